// The API key: asked for, sent, refused, removed.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { choose, heading, launch, open, operations, phase, submit } from './browser.mjs';
import { landscape } from './picture.mjs';
import { serve } from './server.mjs';

let server;
let browser;
before(async () => {
    [server, browser] = await Promise.all([serve({ withKey: true }), launch()]);
});
after(async () => {
    await browser.close();
    await server.stop();
});

/** Answers the question for the key. */
async function give(page, key) {
    await page.locator('#key-text').fill(key);
    await page.getByRole('button', { name: 'Use this key' }).click();
}

test('a wrong key is asked for again, and the right one opens everything', async (t) => {
    const page = await open(t, browser, server.url, { refusals: [401] });
    await page.getByText('This server wants an API key.').waitFor();
    await give(page, 'tt_wrong');
    await page.getByRole('dialog').getByText(/This server wants/).waitFor({ state: 'detached' });
    await give(page, server.key);
    await heading(page, 'New task');

    await choose(page, landscape(30, 20));
    await operations(page, 'flip');
    await submit(page);
    await phase(page, 'Done');
    await page.getByText('30 × 20 · PNG').nth(1).waitFor();
    await page.reload();
    await phase(page, 'Done');
    await page.getByText('30 × 20 · PNG').waitFor();
    assert.deepEqual(await page.evaluate(() => [localStorage.length, document.cookie]), [0, '']);
});

test('the key is removed, and then asked for again', async (t) => {
    const page = await open(t, browser, server.url, { refusals: [401] });
    await give(page, server.key);
    await heading(page, 'New task');
    await page.getByRole('button', { name: /^API key.*given/ }).click();
    await page.getByRole('button', { name: 'Remove the key' }).click();
    await page.getByText('This server wants an API key.').waitFor();
    assert.equal(await page.evaluate(() => sessionStorage.length), 0);
});

test('who gives no key is told what is missing, and can try again', async (t) => {
    const page = await open(t, browser, server.url, { refusals: [401], hash: '#/tasks' });
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('alert').waitFor();
    await page.getByRole('link', { name: 'Plugins' }).click();
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Try again' }).click();
    await give(page, server.key);
    await heading(page, 'Plugins');
});
