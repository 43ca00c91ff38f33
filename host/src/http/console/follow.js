// Follows a task until it is over: by its stream of events, and by asking where no stream comes through.

import { request, requestJson, Refusal } from './server.js';

/** Proxies that hold a stream back until it ends give nothing at first; the server speaks at once. */
const PATIENCE = 5000;
/** Between two questions, where the server says nothing of it: soon enough for who watches. */
const PAUSE = 1000;
/** Longest pause, whatever the server estimates: somebody looks at the page. */
const LONGEST_PAUSE = 5000;

/**
 * Tells each status, the last one too. `lost` is told of a network that fails, and that it works again.
 * Ends when the task is over or `signal` is aborted; a refusal, such as for a task that is gone, is thrown.
 */
export async function follow(id, tell, lost, signal) {
    let streams = true;
    let failures = 0;
    const seen = { over: false };
    const news = (task) => {
        if (failures > 0) lost(false);
        failures = 0;
        seen.over = task.state !== 'pending';
        tell(task);
    };
    while (!seen.over && !signal.aborted) {
        try {
            if (streams) streams = await listen(id, news, signal);
            if (seen.over || signal.aborted) return;
            const task = await requestJson(`images/task/${id}?redirect=false`, { signal });
            news(task);
            if (!seen.over) await pause(untilPing(task), signal);
        } catch (error) {
            if (signal.aborted) return;
            if (error instanceof Refusal && error.status < 500) throw error;
            failures += 1;
            lost(true);
            await pause(Math.min(LONGEST_PAUSE, PAUSE * failures), signal);
        }
    }
}

/** Listens to the stream; whether it makes sense to do so again. */
async function listen(id, news, signal) {
    const patience = new AbortController();
    const stop = () => patience.abort();
    signal.addEventListener('abort', stop);
    let timer = setTimeout(stop, PATIENCE);
    try {
        // Who doesn't say what it has seen is told at once where the task stands, after a pause too.
        const response = await request(`images/task/${id}/events`, { signal: patience.signal });
        if (!response.headers.get('Content-Type')?.startsWith('text/event-stream')) return false;
        for await (const event of events(response.body)) {
            clearTimeout(timer);
            timer = null;
            if (event.name === 'status') news(JSON.parse(event.data));
        }
        return true;
    } catch (error) {
        if (signal.aborted) throw error;
        if (patience.signal.aborted) return false;
        if (!(error instanceof Refusal)) return true;
        // What is said of the task itself holds for questions too; anything else is said of streams.
        if ([401, 404, 410].includes(error.status)) throw error;
        return false;
    } finally {
        clearTimeout(timer);
        signal.removeEventListener('abort', stop);
    }
}

/** Server-sent events of a body (HTML Standard, section 9.2.6). */
async function* events(body) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    let event = { name: 'message', data: [] };
    for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        const lines = (rest + value).split('\n');
        rest = lines.pop();
        for (const raw of lines) {
            const line = raw.replace(/\r$/, '');
            if (line === '') {
                if (event.data.length > 0) yield { ...event, data: event.data.join('\n') };
                event = { name: 'message', data: [] };
                continue;
            }
            const [, field, text] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
            if (field === 'event') event.name = text;
            if (field === 'data') event.data.push(text);
        }
    }
}

function untilPing(task) {
    const left = Date.parse(task.ping_after ?? '') - Date.now();
    return Math.min(LONGEST_PAUSE, Math.max(PAUSE, left || 0));
}

function pause(ms, signal) {
    return new Promise((resolve) => {
        const timer = setTimeout(resolve, ms);
        signal.addEventListener('abort', () => { clearTimeout(timer); resolve(); }, { once: true });
    });
}
