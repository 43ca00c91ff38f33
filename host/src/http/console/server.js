// Requests to the server that this page came from, wherever a proxy has put it.

import { askForKey, currentKey } from './key.js';

/** Above `console/`. Addresses in answers may be those of another side of a proxy. */
const BASE = new URL('..', import.meta.url);

/** Whatever it is, and refusals in JSON. */
const ANYTHING = 'application/problem+json, */*;q=0.5';

/** The address of one of the server's paths, such as `images/tasks`. */
export function address(path) {
    return new URL(path, BASE);
}

/** An answer that is a refusal, with what its problem document says. */
export class Refusal extends Error {
    constructor(response, problem) {
        super(problem.detail ?? `The server answered ${response.status}.`);
        this.status = response.status;
        this.title = problem.title ?? 'The server refused';
        this.problem = problem;
        this.retryAfter = Number(response.headers.get('Retry-After')) || null;
    }
}

/**
 * A request with the API key, whose answer is good. Refusals are thrown. Where a key is wanted it is asked
 * for, unless `quiet`: what goes on in the background must not interrupt.
 */
export async function request(path, { quiet = false, headers = {}, ...options } = {}) {
    for (;;) {
        const key = currentKey();
        const authorization = key === null ? {} : { Authorization: `Bearer ${key}` };
        const response = await fetch(address(path), { ...options, headers: { Accept: ANYTHING, ...headers, ...authorization } });
        if (response.ok) return response;
        const refusal = new Refusal(response, await problemOf(response));
        if (response.status !== 401 || quiet) throw refusal;
        // Another request may have asked in the meantime.
        const changed = currentKey() !== key;
        if (!changed && !await askForKey(key === null ? 'This server wants an API key.' : refusal.message)) throw refusal;
    }
}

/** The same where the answer is JSON. */
export async function requestJson(path, options = {}) {
    const response = await request(path, { ...options, headers: { Accept: 'application/json', ...options.headers } });
    return response.json();
}

async function problemOf(response) {
    try {
        return response.headers.get('Content-Type')?.includes('json') ? await response.json() : {};
    } catch {
        return {};
    }
}

/** What to say of something thrown: a refusal's own words, or that nobody answered. */
export function explained(error) {
    if (error instanceof Refusal) {
        const again = error.retryAfter ? ` Try again in ${error.retryAfter} s.` : '';
        return { title: error.title, detail: error.message + again };
    }
    if (error instanceof TypeError) {
        return { title: 'The server cannot be reached', detail: 'Look whether it runs and the network is there, and try again.' };
    }
    return { title: 'This page made a mistake', detail: String(error) };
}
