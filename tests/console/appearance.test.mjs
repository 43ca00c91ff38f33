// Every page, by day and by night and on a phone: fit for all readers, and never wider than the screen.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { PHONE, WIDE, choose, heading, launch, open, operations, phase, submit } from './browser.mjs';
import { damaged, landscape } from './picture.mjs';
import { serve } from './server.mjs';

const axe = createRequire(new URL('../../target/console/', import.meta.url))('axe-core');

let server;
let browser;
before(async () => {
    [server, browser] = await Promise.all([serve(), launch()]);
    // A file that can be listed, and not used.
    writeFileSync(join(server.plugins, 'half.wasm'), '\0asm');
});
after(async () => {
    await browser.close();
    await server.stop();
});

/** What is wrong with the page as it is, by axe's rules, as far as it keeps anybody out. */
async function barriers(page) {
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
    return violations
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join('; ')}`);
}

async function check(page, name) {
    assert.deepEqual(await barriers(page), [], `${name} keeps nobody out`);
    const [content, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(content <= screen, `${name} is ${content} pixels wide on ${screen}`);
}

const LOOKS = [
    ['by day', { colorScheme: 'light', viewport: WIDE }],
    ['by night', { colorScheme: 'dark', viewport: WIDE }],
    ['on a phone', { colorScheme: 'light', viewport: PHONE, reducedMotion: 'reduce' }],
    ['on a phone by night', { colorScheme: 'dark', viewport: PHONE }],
];
for (const [look, options] of LOOKS) {
    test(`every page is fit for everybody ${look}`, async (t) => {
        const page = await open(t, browser, server.url, { refusals: [404, 422], ...options });
        await heading(page, 'New task');
        await check(page, 'the empty form');
        await choose(page, landscape(90, 60), 'a-picture-whose-name-is-longer-than-a-phone-is-wide-without-any-space.png');
        await operations(page, 'resize', 'watermark', 'tint', 'thumbnails');
        for (const more of await page.getByText(/^\d+ more$/).all()) await more.click();
        await page.getByLabel('Format').selectOption('image/webp');
        await page.getByText('As a request').click();
        await check(page, 'the form');
        await page.getByRole('button', { name: 'Submit' }).click();
        await page.locator('[aria-invalid]').first().waitFor();
        await check(page, 'the form with complaints');
        await page.getByRole('button', { name: /^API key/ }).click();
        await check(page, 'the question for the key');
        await page.keyboard.press('Escape');

        await operations(page, 'stall');
        await submit(page);
        await page.getByText('50 %', { exact: true }).waitFor();
        await check(page, 'a task that runs');
        await page.getByRole('link', { name: 'Tasks' }).click();
        await page.getByRole('button', { name: /^Cancel task/ }).first().waitFor();
        await check(page, 'the list');
        await page.getByRole('button', { name: /^Cancel task/ }).first().click();
        await page.locator('.row').first().getByText('Cancelled', { exact: true }).waitFor();

        for (const [picture, operation, end] of [[landscape(90, 60), 'flip', 'Done'], [landscape(90, 60), 'info', 'Done'], [damaged(), 'flip', 'Failed']]) {
            await page.getByRole('link', { name: 'New' }).click();
            await choose(page, picture);
            await operations(page, operation);
            await page.getByLabel('Format').selectOption('');
            await submit(page);
            await phase(page, end);
            await page.locator(end === 'Done' ? '.picture pre, .picture img[alt=Result]' : '[role=alert]').waitFor();
            await check(page, `a task that is ${end}`);
        }

        await page.getByRole('link', { name: 'Plugins' }).click();
        await page.getByText('half.wasm', { exact: true }).waitFor();
        await check(page, 'the plugins');
        await page.getByRole('link', { name: 'standard', exact: true }).click();
        await heading(page, 'standard');
        for (const summary of await page.locator('details.card > summary').all()) await summary.click();
        await check(page, 'a plugin');
        await page.goto(`${server.url}/#/plugin/none`);
        await page.getByRole('alert').waitFor();
        await check(page, 'a plugin that is not there');
    });
}
