// What happens to a picture: it is processed, fails, is refused, is cancelled.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { choose, download, heading, launch, open, operations, phase, submit } from './browser.mjs';
import { damaged, landscape, sizeOf } from './picture.mjs';
import { serve } from './server.mjs';

let server;
let browser;
before(async () => {
    [server, browser] = await Promise.all([serve(), launch()]);
});
after(async () => {
    await browser.close();
    await server.stop();
});

test('a picture becomes one of the size that was asked for, seen beside it, downloaded and listed', async (t) => {
    const page = await open(t, browser, server.url);
    await choose(page, landscape(300, 200));
    await page.getByLabel('width').fill('120');
    await operations(page, 'flip', 'resize');
    await page.getByLabel('width').fill('120');
    await submit(page);
    await phase(page, 'Done');

    await page.getByText('300 × 200 · PNG').waitFor();
    await page.getByText('120 × 80 · PNG').waitFor();
    const { name, bytes } = await download(page);
    assert.deepEqual(sizeOf(bytes), [120, 80]);
    assert.match(name, /^tintype-[0-9a-f]{8}\.png$/);
    const shown = await page.getByAltText('Result').evaluate((image) => [image.naturalWidth, image.naturalHeight]);
    assert.deepEqual(shown, [120, 80]);

    await page.getByRole('link', { name: 'Tasks' }).click();
    const row = page.locator('.row').first();
    await row.getByText('Done').waitFor();
    assert.equal(await row.getByRole('link').textContent(), 'flip, resize');
    await row.locator('.thumbnail img').waitFor();

    // Nobody watched it in the meantime: only the server's whole seconds are known.
    await row.getByRole('link').click();
    await page.getByText(/^(less than 1 s|about \d)/).waitFor();
    await page.getByAltText('Before').waitFor();
});

test('a reload shows the task again, from what the server knows', async (t) => {
    const page = await open(t, browser, server.url);
    await choose(page, landscape(40, 30));
    await operations(page, 'grayscale');
    await submit(page);
    await phase(page, 'Done');
    await page.reload();
    await phase(page, 'Done');
    await page.getByText('40 × 30 · PNG').waitFor();
    assert.equal(await page.getByAltText('Before').count(), 0);
});

test('a form has what the plugin says of a parameter, and sends only what differs', async (t) => {
    const page = await open(t, browser, server.url);
    const width = page.getByLabel('width');
    assert.deepEqual([await width.getAttribute('type'), await width.getAttribute('min')], ['number', '1']);
    await page.getByText('Pixels along the x axis.').waitFor();
    assert.equal(await page.getByLabel('fit').inputValue(), '0');
    await page.getByText('3 more').click();
    assert.equal(await page.getByLabel('enlarge').isChecked(), true);
    await width.fill('7');
    await page.getByLabel('enlarge').uncheck();
    await page.getByLabel('Format').selectOption('image/webp');
    await page.getByLabel('quality').fill('50');
    await page.getByText('As a request').click();
    assert.deepEqual(JSON.parse(await page.getByLabel('Description', { exact: true }).textContent()), {
        operations: [{ name: 'resize', params: { width: 7, enlarge: false } }],
        output: { type: 'image/webp', params: { quality: 50 } },
    });
});

test('operations are moved and removed by the keyboard, and the focus stays with them', async (t) => {
    const page = await open(t, browser, server.url);
    await operations(page, 'flip', 'grayscale', 'negate');
    const order = () => page.locator('.operation h3').allTextContents();
    await page.getByRole('button', { name: 'Move up: negate' }).focus();
    await page.keyboard.press('Enter');
    assert.deepEqual(await order(), ['flip', 'negate', 'grayscale']);
    await page.keyboard.press('Enter');
    assert.deepEqual(await order(), ['negate', 'flip', 'grayscale']);
    const focused = () => page.evaluate(() => document.activeElement.getAttribute('aria-label'));
    assert.equal(await focused(), 'Move down: negate');
    await page.getByText('negate is now operation 1 of 3.').waitFor({ state: 'attached' });
    await page.getByRole('button', { name: 'Remove flip' }).focus();
    await page.keyboard.press('Space');
    assert.deepEqual([await order(), await focused()], [['negate', 'grayscale'], 'Remove grayscale']);
});

test('a picture can be dropped and pasted', async (t) => {
    const page = await open(t, browser, server.url);
    await heading(page, 'New task');
    for (const [event, field] of [['drop', 'dataTransfer'], ['paste', 'clipboardData']]) {
        await page.evaluate(({ event, field, bytes }) => {
            const files = new DataTransfer();
            files.items.add(new File([new Uint8Array(bytes)], `${event}.png`, { type: 'image/png' }));
            const Kind = event === 'drop' ? DragEvent : ClipboardEvent;
            document.body.dispatchEvent(new Kind(event, { [field]: files, bubbles: true, cancelable: true }));
        }, { event, field, bytes: [...landscape(12, 9)] });
        await page.getByText(`${event}.png`, { exact: true }).waitFor();
        await page.getByText('12 × 9 · PNG').waitFor();
    }
});

test('an overlay comes along as a further picture', async (t) => {
    const page = await open(t, browser, server.url);
    await choose(page, landscape(64, 48));
    await operations(page, 'watermark');
    await page.getByLabel('image').setInputFiles({ name: 'logo.png', mimeType: 'image/png', buffer: landscape(8, 8) });
    await submit(page);
    await phase(page, 'Done');
    await page.getByText('64 × 48 · PNG').nth(1).waitFor();
});

test('several results are shown each, and a document as text', async (t) => {
    const page = await open(t, browser, server.url);
    await choose(page, landscape(64, 48));
    await operations(page, 'thumbnails');
    await page.getByLabel('sizes').fill('32,16x12');
    await submit(page);
    await phase(page, 'Done');
    await page.getByText('32 × 24 · PNG').waitFor();
    await page.getByText('16 × 12 · PNG').waitFor();
    assert.deepEqual(sizeOf((await download(page, 1)).bytes), [16, 12]);

    await page.getByRole('link', { name: 'Change and submit again' }).click();
    await operations(page, 'info');
    await submit(page);
    await phase(page, 'Done');
    const text = await page.getByRole('figure').locator('pre').textContent();
    assert.equal(JSON.parse(text).width, 64);
});

test('why a damaged picture fails is said', async (t) => {
    const page = await open(t, browser, server.url);
    await choose(page, damaged());
    await operations(page, 'flip');
    await submit(page);
    await phase(page, 'Failed');
    const alert = page.getByRole('alert');
    assert.match(await alert.textContent(), /The task failed.*Invalid image format\..*invalid-image/s);
});

test('what is missing is said beside its field before anything is sent', async (t) => {
    const page = await open(t, browser, server.url);
    await operations(page, 'crop');
    await page.getByRole('button', { name: 'Submit' }).click();
    await page.getByText('A picture is needed.').waitFor();
    assert.equal(await page.getByLabel('width').getAttribute('aria-invalid'), 'true');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'source');
});

test('a refusal stands beside the field that it names', async (t) => {
    const page = await open(t, browser, server.url, { refusals: [422] });
    await choose(page, landscape(30, 20));
    await page.getByRole('button', { name: 'Submit' }).click();
    const card = page.locator('.operation');
    await card.getByText('At least one of these is required: width, height.').waitFor();

    await page.getByLabel('width').fill('8');
    await page.getByText('3 more').click();
    await page.getByLabel('background').fill('red');
    await page.getByRole('button', { name: 'Submit' }).click();
    const field = page.locator('.field', { has: page.getByLabel('background') });
    await field.getByText('"red" does not match').waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-invalid')), 'true');

    await page.getByLabel('background').fill('#ff0000');
    await submit(page);
    await phase(page, 'Done');
});

test('a task that runs tells its progress and is cancelled', async (t) => {
    const page = await open(t, browser, server.url);
    await choose(page, landscape(8, 8));
    await operations(page, 'stall');
    await submit(page);
    await page.getByText('50 %', { exact: true }).waitFor();
    await page.getByText('Running, 50 %.').waitFor({ state: 'attached' });
    await page.getByRole('button', { name: 'Cancel' }).click();
    await phase(page, 'Cancelled');
    assert.match(await page.getByRole('alert').textContent(), /Cancelled by the client\./);
});

test('a task is cancelled from the list, and found by its state', async (t) => {
    const page = await open(t, browser, server.url);
    await choose(page, landscape(8, 8));
    await operations(page, 'spin');
    await submit(page);
    await phase(page, 'Running');
    await page.getByRole('link', { name: 'Tasks' }).click();
    await page.getByLabel('Show').selectOption('Under way');
    await page.getByRole('button', { name: /^Cancel task/ }).click();
    await page.getByText('There are no such tasks.').waitFor();
    await page.getByLabel('Show').selectOption('Failed');
    await page.locator('.row', { hasText: 'spin' }).getByText('Cancelled', { exact: true }).waitFor();
});

const WITHOUT_STREAM = [
    ['is refused', (route) => route.fulfill({ status: 502, body: 'no stream here' })],
    ['is held back', () => {}],
    ['is cut', (route) => route.abort('connectionreset')],
];
for (const [happens, handle] of WITHOUT_STREAM) {
    test(`where the stream of events ${happens}, the task is asked for`, async (t) => {
        const page = await open(t, browser, server.url, { refusals: [502, 'network'] });
        await page.route('**/events', handle);
        await choose(page, landscape(40, 30));
        await operations(page, 'flip');
        await submit(page);
        await phase(page, 'Done');
    });
}

test('a page that loses the network says so, and goes on when it is back', async (t) => {
    const page = await open(t, browser, server.url, { refusals: ['network'] });
    await choose(page, landscape(8, 8));
    await operations(page, 'stall');
    await submit(page);
    await page.getByText('50 %', { exact: true }).waitFor();
    await page.context().setOffline(true);
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('alert').getByText('The server cannot be reached').waitFor();
    await page.context().setOffline(false);
    await page.getByRole('button', { name: 'Cancel' }).click();
    await phase(page, 'Cancelled');
});

test('a task whose answer was lost is sent again, and runs once', async (t) => {
    const page = await open(t, browser, server.url, { refusals: ['network'] });
    await choose(page, landscape(40, 30));
    await operations(page, 'negate');
    let lost = 0;
    await page.route('**/images/tasks', async (route) => {
        if (route.request().method() !== 'POST' || lost > 0) return route.continue();
        lost += 1;
        await route.fetch();
        return route.abort('connectionreset');
    });
    await page.getByRole('button', { name: 'Submit' }).click();
    await page.getByRole('alert').getByText('The server cannot be reached').waitFor();
    await submit(page);
    await phase(page, 'Done');
    const answer = await fetch(`${server.url}/images/tasks?operation=negate`, { headers: { Accept: 'application/json' } });
    assert.deepEqual([lost, (await answer.json()).tasks.length], [1, 1]);
});

test('a task that is deleted is gone', async (t) => {
    const page = await open(t, browser, server.url, { refusals: [410] });
    await choose(page, landscape(8, 8));
    await operations(page, 'flip');
    await submit(page);
    await phase(page, 'Done');
    const address = page.url();
    await page.getByRole('button', { name: 'Delete' }).click();
    await heading(page, 'Tasks');
    await page.goto(address);
    await page.getByRole('alert').getByText('is gone, with its results.').waitFor();
});

test('a plugin has a page with its figures', async (t) => {
    const page = await open(t, browser, server.url, { hash: '#/plugins' });
    await page.getByRole('link', { name: 'standard', exact: true }).click();
    await heading(page, 'standard');
    const facts = await page.locator('.facts').allTextContents();
    assert.match(facts.join(), /Version0\.1\.0.*Kindprocessor.*Statein use/s);
    assert.match(facts.join(), /Went well[1-9]/);
    await page.getByRole('heading', { name: 'resize' }).click();
    await page.getByText('cover, contain, fill, inside, outside').first().waitFor();
});
