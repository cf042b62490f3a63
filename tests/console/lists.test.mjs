// Lists that are read page by page: a page that fails, and a list that becomes shorter.

import { checkAppearances } from './support/accessibility.mjs';
import { tellStories } from './support/story.mjs';

const story = tellStories();

const AUDIT = /\/api\/v1\/auditRecords/;
const DAY = 24 * 3_600_000;

/** Has the changes read in pages of two; `intervene` may respond in place of the server. */
async function shortenPages(page, intervene) {
  await page.route(AUDIT, async (route) => {
    const url = new URL(route.request().url());
    url.searchParams.set('limit', '2');
    if (!(await intervene(route, url))) {
      await route.continue({ url: url.href });
    }
  });
}

/** The text of the first row of the list, which says that it loads before it shows a change. */
const readFirstRow = (page) => page.locator('tbody tr').filter({ has: page.locator('time') }).first().innerText();

/** Waits until the first row of the list is, or is no longer, the one with this text. */
async function awaitFirstRow(page, text, isThere) {
  const matches = ([text, isThere]) => (document.querySelector('tbody tr')?.innerText === text) === isThere;
  await page.waitForFunction(matches, [text, isThere]);
}

story('a next page that fails says so, and is tried again', async ({ page, visit }) => {
  visit.provoke(/^500 GET .*auditRecords$/);
  let isBroken = true;
  await shortenPages(page, async (route, url) => {
    const fails = isBroken && url.searchParams.has('cursor');
    if (fails) {
      await route.fulfill({ status: 500, json: { message: 'The store does not answer.' } });
    }
    return fails;
  });
  await visit.open('/audit');
  const newest = await readFirstRow(page);
  await page.getByRole('button', { name: 'Next page' }).click();
  await page.getByText('The store does not answer.').waitFor();
  await awaitFirstRow(page, newest, true);
  await checkAppearances(page, 'a next page that fails');

  isBroken = false;
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByText('The store does not answer.').waitFor({ state: 'detached' });
  await awaitFirstRow(page, newest, false);
});

story('a list that becomes shorter shows its last page', async ({ page, visit }) => {
  let isShort = false;
  await shortenPages(page, async (route, url) => {
    if (isShort) {
      const response = await route.fetch({ url: url.href });
      await route.fulfill({ response, json: { ...(await response.json()), cursor: null } });
    }
    return isShort;
  });
  await visit.open('/audit');
  const newest = await readFirstRow(page);
  await page.getByRole('button', { name: 'Next page' }).click();
  await awaitFirstRow(page, newest, false);

  isShort = true;
  // The list is read again for a reader who comes back a day later.
  await page.clock.setSystemTime(Date.now() + DAY);
  await page.evaluate(() => window.dispatchEvent(new Event('visibilitychange')));
  await awaitFirstRow(page, newest, true);
});
