// The command that is copied from the page does in a shell what the page does.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { choose, download, launch, open, operations, phase, submit } from './browser.mjs';
import { landscape } from './picture.mjs';
import { serve } from './server.mjs';

/** Everything that a shell or curl could take for something else. */
const NAME = `it's a "dusk"; $HOME, \`id\` & 100%\\.png`;

let browser;
before(async () => {
    browser = await launch();
});
after(() => browser.close());

/** Runs a command in a folder with these files, and gives what it wrote there besides. */
function run(t, command, files, env = {}) {
    const folder = mkdtempSync(join(tmpdir(), 'tintype-curl-'));
    t.after(() => rmSync(folder, { recursive: true }));
    for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
    execFileSync('sh', ['-c', command], { cwd: folder, env: { ...process.env, ...env } });
    const [written] = readdirSync(folder).filter((name) => !(name in files));
    return { name: written, bytes: readFileSync(join(folder, written)) };
}

test('the copied command makes the same bytes, whatever the file is called', async (t) => {
    const server = await serve();
    t.after(server.stop);
    const page = await open(t, browser, server.url);
    const picture = landscape(60, 40);
    const logo = landscape(9, 9);
    await choose(page, picture, NAME);
    await operations(page, 'watermark');
    await page.getByLabel('image').setInputFiles({ name: 'logo.png', mimeType: 'image/png', buffer: logo });
    await page.getByLabel('Format').selectOption('image/webp');
    await page.getByText('As a request').click();
    await page.getByRole('button', { name: 'Copy as curl' }).click();
    const command = await page.evaluate(() => navigator.clipboard.readText());
    await submit(page);
    await phase(page, 'Done');
    const seen = await download(page);
    const made = run(t, command, { [NAME]: picture, 'logo.png': logo });
    assert.match(made.name, /-tintype\.webp$/);
    assert.deepEqual(made.bytes, seen.bytes);
});

test('the key is named in the command, and never in it', async (t) => {
    const server = await serve({ withKey: true });
    t.after(server.stop);
    const page = await open(t, browser, server.url, { refusals: [401] });
    await page.getByLabel('Key', { exact: true }).fill(server.key);
    await page.getByRole('button', { name: 'Use this key' }).click();
    const picture = landscape(60, 40);
    await choose(page, picture);
    await operations(page, 'negate');
    await submit(page);
    await phase(page, 'Done');
    await page.getByRole('button', { name: 'Copy as curl' }).click();
    const command = await page.evaluate(() => navigator.clipboard.readText());
    assert.match(command, /"Authorization: Bearer \$TINTYPE_KEY"/);
    assert.ok(!command.includes(server.key));
    const made = run(t, command, { 'dusk.png': picture }, { TINTYPE_KEY: server.key });
    assert.deepEqual(made.bytes, (await download(page)).bytes);
});
