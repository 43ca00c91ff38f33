// Makes docs/images/console.png anew: `node tests/console/screenshot.mjs`, with BROWSER as in run.sh.

import { launch, choose, operations, phase, submit } from './browser.mjs';
import { landscape } from './picture.mjs';
import { serve } from './server.mjs';

const place = new URL('../../docs/images/console.png', import.meta.url).pathname;
const [server, browser] = await Promise.all([serve(), launch()]);
try {
    const page = await browser.newPage({ viewport: { width: 1200, height: 780 }, colorScheme: 'light' });
    await page.goto(server.url);
    await choose(page, landscape(1200, 800));
    await operations(page, 'resize', 'tint');
    await page.getByLabel('width').fill('900');
    await page.getByLabel('color').fill('#704214');
    await page.getByLabel('Format').selectOption('image/webp');
    await page.getByLabel('quality').fill('95');
    await submit(page);
    await phase(page, 'Done');
    await page.getByText('WebP').waitFor();
    await page.locator('.picture img[alt=Result]').waitFor();
    await page.evaluate(() => Promise.all([...document.images].map((image) => image.decode())));
    await page.screenshot({ path: place });
} finally {
    await browser.close();
    await server.stop();
}
