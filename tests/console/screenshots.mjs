// Writes screenshots of every page, in both themes and both widths, to look at:
//
//     node tests/console/screenshots.mjs [NAME…]      to tests/console/screenshots/NAME-THEME-WIDTH.png
//
// Without names, all pages.

import { mkdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildEstate } from './support/estate.mjs';
import { listPages } from './support/pages.mjs';
import { ADMIN_TOKEN, Server } from './support/server.mjs';
import { DESKTOP, PHONE, Visit, launchBrowser, newContext } from './support/story.mjs';

const FOLDER = fileURLToPath(new URL('screenshots/', import.meta.url));
const wanted = process.argv.slice(2);

const server = await Server.start();
const browser = await launchBrowser();
try {
  const pages = listPages(await buildEstate(server));
  const visit = new Visit(await (await newContext(browser)).newPage(), server);
  const { page } = visit;
  if (wanted.length === 0) {
    rmSync(FOLDER, { recursive: true, force: true });
  }
  mkdirSync(FOLDER, { recursive: true });
  await page.goto(visit.addressOf('/'));
  await page.getByLabel('API token').waitFor();
  await photograph(page, 'sign-in');
  await visit.signIn(ADMIN_TOKEN);
  for (const [name, path] of Object.entries(pages)) {
    if (wanted.length === 0 || wanted.includes(name)) {
      await visit.open(path);
      await photograph(page, name);
    }
  }
} finally {
  await browser.close();
  await server.stop();
}

/** Takes the four screenshots of a page, each as long as the page is. */
async function photograph(page, name) {
  for (const viewport of [DESKTOP, PHONE]) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: `${FOLDER}${name}-${colorScheme}-${viewport.width}.png`, fullPage: true });
    }
  }
}
