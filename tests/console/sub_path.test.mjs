// Behind a reverse proxy that puts the server below a path of its own.

import assert from 'node:assert/strict';
import { createServer, request } from 'node:http';
import { test } from 'node:test';

import { choose, download, launch, open, operations, phase, submit } from './browser.mjs';
import { landscape, sizeOf } from './picture.mjs';
import { serve } from './server.mjs';

/** A proxy that cuts `prefix` off, and knows nothing else below it. */
async function behind(prefix, target, t) {
    const proxy = createServer((incoming, answer) => {
        if (!incoming.url.startsWith(`${prefix}/`)) {
            answer.writeHead(404).end();
            return;
        }
        const { hostname, port } = new URL(target);
        const path = incoming.url.slice(prefix.length);
        const onward = request({ hostname, port, path, method: incoming.method, headers: incoming.headers }, (from) => {
            answer.writeHead(from.statusCode, from.headers);
            from.pipe(answer);
        });
        onward.on('error', () => answer.destroy());
        answer.on('close', () => onward.destroy());
        incoming.pipe(onward);
    });
    await new Promise((resolve) => { proxy.listen(0, '127.0.0.1', resolve); });
    t.after(() => {
        proxy.closeAllConnections();
        proxy.close();
    });
    return `http://127.0.0.1:${proxy.address().port}${prefix}`;
}

test('everything works below a path', async (t) => {
    const [server, browser] = await Promise.all([serve(), launch()]);
    t.after(server.stop);
    t.after(() => browser.close());
    const page = await open(t, browser, await behind('/pictures/tintype', server.url, t));
    await choose(page, landscape(60, 40));
    await operations(page, 'resize');
    await page.getByLabel('width').fill('30');
    await submit(page);
    await phase(page, 'Done');
    assert.deepEqual(sizeOf((await download(page)).bytes), [30, 20]);
    await page.getByRole('link', { name: 'Tasks' }).click();
    await page.locator('.row .thumbnail img').waitFor();
    await page.getByRole('link', { name: 'Plugins' }).click();
    await page.getByRole('link', { name: 'standard', exact: true }).click();
    await page.getByText('Went well').waitFor();
});
