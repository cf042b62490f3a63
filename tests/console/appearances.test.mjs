// Every page in both themes and both widths, with content.

import assert from 'node:assert/strict';
import test from 'node:test';
import { checkAppearances } from './support/accessibility.mjs';
import { buildEstate } from './support/estate.mjs';
import { listPages, listRoutes } from './support/pages.mjs';
import { tellStories } from './support/story.mjs';

const story = tellStories();
let pages;

story('every page is accessible and fits every window', async ({ page, server, visit }) => {
  pages = listPages(await buildEstate(server));
  for (const [name, path] of Object.entries(pages)) {
    await visit.open(path);
    await checkAppearances(page, name);
  }
});

story('a list and a page that load, or fail to, are accessible too', async ({ page, server, visit }) => {
  visit.provoke(/^500 GET .*certificates/);
  const { items: [{ uuid }] } = await server.call('GET', '/certificates');
  for (const path of ['/certificates', `/certificates/${uuid}`]) {
    let answer;
    await page.route(`**/api/v1${path}*`, async (route) => {
      await new Promise((resolve) => (answer = resolve));
      await route.fulfill({ status: 500, json: { message: 'The store does not answer.' } });
    });
    await page.goto(visit.addressOf(path));
    await page.getByText('Loading', { exact: true }).first().waitFor();
    await checkAppearances(page, `${path}, loading`);
    answer();
    await page.getByText('The store does not answer.').waitFor();
    await checkAppearances(page, `${path}, failed`);
    await page.unroute(`**/api/v1${path}*`);
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('The store does not answer.').waitFor({ state: 'detached' });
    await visit.settle();
  }
});

test('no page was forgotten', () => {
  const visited = Object.values(pages).map((path) => path.split('?')[0]);
  const forgotten = listRoutes().filter((route) => !visited.some((path) => new RegExp(`^${route.replaceAll(/:\w+/g, '[^/]+')}$`).test(path)));
  assert.deepEqual(forgotten, []);
});
