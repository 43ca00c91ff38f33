// A browser with the console open. Whatever the page complains of, and whatever it asks another server for,
// fails the test.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

const require = createRequire(new URL('../../target/console/', import.meta.url));
const { chromium } = require('playwright-core');

/** A browser that speaks to this machine alone. */
export function launch() {
    return chromium.launch({
        executablePath: process.env.BROWSER ?? '/usr/bin/chromium',
        args: [
            // What is shown is our own; and neither root nor a container has what the sandbox needs.
            '--no-sandbox',
            '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
        ],
    });
}

/** Looks of the page that are tried. */
export const WIDE = { width: 1200, height: 860 };
export const PHONE = { width: 360, height: 740 };

/**
 * Opens the console at `url`, and closes it when the test `t` ends. `refusals` are the statuses that the test
 * provokes, and 'network' where it has connections fail: a browser reports each as an error.
 */
export async function open(t, browser, url, { refusals = [], hash = '', ...options } = {}) {
    const context = await browser.newContext({ viewport: WIDE, acceptDownloads: true, ...options });
    await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: new URL(url).origin });
    const page = await context.newPage();
    page.setDefaultTimeout(30_000);
    const faults = [];
    page.on('console', (message) => {
        const [, status] = /^Failed to load resource: .*status of (\d+)/.exec(message.text()) ?? [];
        const expected = status === undefined ? refusals.includes('network') && message.text().includes('net::ERR_') : refusals.includes(Number(status));
        if (['error', 'warning'].includes(message.type()) && !expected) {
            faults.push(`${message.text()} (${message.location().url})`);
        }
    });
    page.on('pageerror', (error) => faults.push(String(error.stack ?? error)));
    page.on('request', (request) => {
        const { protocol, origin } = new URL(request.url());
        if (protocol !== 'blob:' && origin !== new URL(url).origin) faults.push(`it asks for ${request.url()}`);
    });
    t.after(async () => {
        await context.close();
        assert.deepEqual(faults, [], 'the page is without faults');
    });
    await page.goto(`${url}/${hash}`);
    return page;
}

/** Waits for the page of this heading. */
export async function heading(page, name) {
    await page.getByRole('heading', { level: 1, name }).waitFor();
}

/** Gives the form a picture. */
export async function choose(page, bytes, name = 'dusk.png', mimeType = 'image/png') {
    await page.locator('#source').setInputFiles({ name, mimeType, buffer: bytes });
    await page.locator('.source .plate').waitFor();
}

/** Replaces the operations by these, once the form is there: a link to it only begins to show it. */
export async function operations(page, ...names) {
    await heading(page, 'New task');
    const remove = page.getByRole('button', { name: /^Remove / });
    while (await remove.count() > 0) await remove.first().click();
    for (const name of names) {
        await page.getByLabel('Operation', { exact: true }).selectOption(name);
        await page.getByRole('button', { name: 'Add', exact: true }).click();
    }
}

/** Submits, and waits for the page of the task. */
export async function submit(page) {
    await page.getByRole('button', { name: 'Submit' }).click();
    await page.waitForURL(/#\/task\//);
    await heading(page, /^Task/);
}

/** Waits until the task on the page is in this phase. */
export async function phase(page, name) {
    await page.locator('.progress .state', { hasText: name }).waitFor();
}

/** What the button `name` downloads. */
export async function download(page, at = 0) {
    const saving = page.waitForEvent('download');
    await page.getByRole('link', { name: 'Download' }).nth(at).click();
    const saved = await saving;
    const pieces = [];
    for await (const piece of await saved.createReadStream()) pieces.push(piece);
    return { name: saved.suggestedFilename(), bytes: Buffer.concat(pieces) };
}
