#!/usr/bin/env node
// A client of Tintype with nothing but Node (18 or later).
//
//   node tintype.mjs PICTURE RESULT TASK      one picture
//   node tintype.mjs FOLDER RESULTS TASK      every picture of a folder, four at a time
//
// TASK is a description in JSON. Ends with 0 if there is a result, 3 if the task FAILED, 4 if the server refused
// it, 1 otherwise. The server is $TINTYPE_SERVER, the key $TINTYPE_KEY.

import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readFile, readdir, rename, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { env, argv } from 'node:process'
import { setTimeout as pause } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'

const server = (env.TINTYPE_SERVER ?? 'http://127.0.0.1:8080').replace(/\/+$/, '')

// Refusals that pass, and how often one is believed to.
const passing = new Set([408, 409, 429, 500, 503, 507])
const attempts = 5

/** The task was carried out, and FAILED. */
export class Failed extends Error {}

/** The server did not take the request. */
export class Refused extends Error {}

/** An answer; what passes is tried again. */
async function ask(url, options = {}) {
  const headers = { Accept: 'application/json', ...options.headers }
  if (env.TINTYPE_KEY) headers.Authorization = `Bearer ${env.TINTYPE_KEY}`
  for (let attempt = 1; ; attempt++) {
    let seconds = attempt
    try {
      const answer = await fetch(url, { ...options, headers, signal: AbortSignal.timeout(90_000) })
      if (answer.ok) return answer
      // A problem document, unless something else has answered for the server.
      const problem = await answer.json().catch(() => ({}))
      const refused = new Refused(`refused with ${answer.status}: ${problem.detail ?? ''}`)
      if (!passing.has(answer.status) || attempt === attempts) throw refused
      seconds = Number(answer.headers.get('Retry-After')) || attempt
    } catch (error) {
      if (error instanceof Refused || attempt === attempts) throw error
    }
    await pause(seconds * 1000)
  }
}

/** The address of a new task. Sent with a key of its own, so that trying again makes no second one. */
export async function submit(picture, task) {
  const form = new FormData()
  form.append('task', new Blob([JSON.stringify(task)], { type: 'application/json' }))
  form.append('image', new Blob([picture]), 'image')
  const headers = { 'Idempotency-Key': randomUUID() }
  const answer = await ask(`${server}/images/tasks`, { method: 'POST', headers, body: form })
  await answer.text()
  return answer.headers.get('Location')
}

/** The final status of a task that went well. */
export async function wait(task) {
  for (;;) {
    // Held back until the task is over, ten seconds at most.
    const answer = await ask(`${task}?redirect=false`, { headers: { Prefer: 'wait=10' } })
    const status = await answer.json()
    if (status.state === 'OK') return status
    if (status.state === 'FAILED') throw new Failed(`${status.detail} (${status.code})`)
    await pause((Number(answer.headers.get('Retry-After')) || 1) * 1000)
  }
}

/** The bytes of a result, compared with their digest. */
export async function fetchResult(result) {
  const data = Buffer.from(await (await ask(result.href)).arrayBuffer())
  const digest = createHash('sha256').update(data).digest('hex')
  if (digest !== result.sha256) throw new Error(`${result.href} came damaged`)
  return data
}

/** The results of a picture. */
export async function process(picture, task) {
  const { results } = await wait(await submit(picture, task))
  return Promise.all(results.map(fetchResult))
}

/** From file to file; the exit code. Of several results the first. */
async function one(picture, result, task) {
  try {
    const [data] = await process(await readFile(picture), task)
    // Under another name first, so that what is called RESULT is whole.
    await writeFile(`${result}.part`, data)
    await rename(`${result}.part`, result)
    return 0
  } catch (error) {
    console.error(`${picture}: ${error.message}`)
    if (error instanceof Failed) return 3
    return error instanceof Refused ? 4 : 1
  }
}

async function folder(from, to, task) {
  await mkdir(to, { recursive: true })
  const entries = await readdir(from, { withFileTypes: true })
  const waiting = entries.filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
  let code = 0
  const worker = async () => {
    for (let entry = waiting.shift(); entry; entry = waiting.shift()) {
      if (await one(join(from, entry.name), join(to, basename(entry.name)), task)) code = 1
    }
  }
  await Promise.all([worker(), worker(), worker(), worker()])
  return code
}

async function main([source, target, text]) {
  if (text === undefined) {
    console.error('tintype.mjs PICTURE RESULT TASK')
    return 1
  }
  const task = JSON.parse(text)
  // What is not there is a picture that cannot be read.
  const isFolder = await stat(source).then((found) => found.isDirectory(), () => false)
  return isFolder ? folder(source, target, task) : one(source, target, task)
}

if (import.meta.url === pathToFileURL(argv[1] ?? '').href) {
  globalThis.process.exitCode = await main(argv.slice(2))
}
