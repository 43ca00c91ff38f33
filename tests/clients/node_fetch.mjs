// Node's own fetch: a form with a Blob, a raw body, and an answer that was waited for.

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

const [url, folder] = process.argv.slice(2);
const image = readFileSync(process.env.PICTURE);
const task = { operations: [{ name: 'resize', params: { width: 16 } }] };

async function result(submitted) {
    if (submitted.status !== 202) throw new Error(`${submitted.status} ${await submitted.text()}`);
    const location = submitted.headers.get('Location');
    const deadline = Date.now() + 60_000;
    while (Date.now() < deadline) {
        const answer = await fetch(location);
        if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
        if (answer.headers.get('Content-Type').startsWith('image/')) {
            const file = `${folder}/node.png`;
            writeFileSync(file, Buffer.from(await answer.arrayBuffer()));
            execFileSync('python3', [`${import.meta.dirname ?? new URL('.', import.meta.url).pathname}/picture.py`, 'check', file, '16', '12'], { stdio: 'inherit' });
            return;
        }
        if (!(await answer.text()).includes('<state>pending</state>')) throw new Error('the task failed');
        await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error('the task is still pending');
}

const form = new FormData();
form.append('task', new Blob([JSON.stringify(task)], { type: 'application/json' }));
form.append('image', new Blob([image], { type: 'image/png' }), 'picture.png');
await result(await fetch(`${url}/images/tasks`, { method: 'POST', body: form }));

const plain = new FormData();
plain.set('task', JSON.stringify(task));
plain.set('image', new Blob([image]));
await result(await fetch(`${url}/images/tasks`, { method: 'POST', body: plain }));

await result(await fetch(`${url}/images/tasks?operation=resize&width=16`, {
    method: 'POST', body: image, headers: { 'Content-Type': 'image/png' },
}));

const streamed = new Blob([image]).stream();
await result(await fetch(`${url}/images/tasks?operation=resize&width=16`, {
    method: 'POST', body: streamed, duplex: 'half', headers: { 'Content-Type': 'image/png' },
}));
