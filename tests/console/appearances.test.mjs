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

test('no page was forgotten', () => {
  const visited = Object.values(pages).map((path) => path.split('?')[0]);
  const forgotten = listRoutes().filter((route) => !visited.some((path) => new RegExp(`^${route.replaceAll(/:\w+/g, '[^/]+')}$`).test(path)));
  assert.deepEqual(forgotten, []);
});
