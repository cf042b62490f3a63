// How much the console weighs, and how it bears long lists. Times are printed and not asserted: they
// are those of the machine.

import assert from 'node:assert/strict';
import { ADMIN_TOKEN } from './support/server.mjs';
import { tellStories } from './support/story.mjs';

const story = tellStories();

/** What a first visit may transfer, in bytes: the page, its scripts and styles, and the API's responses. */
const MAX_TRANSFER = 700_000;

const MANY = 10_000;
/** How many challenges the API makes at once. */
const BATCH = 500;

/** Rows that a list renders at most, whatever the list has. */
const MAX_ROWS = 101;

story(
  'a first visit transfers at most 700 KB',
  async ({ page, visit, context }, t) => {
    const session = await context.newCDPSession(page);
    let transferred = 0;
    await session.send('Network.enable');
    session.on('Network.loadingFinished', ({ encodedDataLength }) => (transferred += encodedDataLength));

    const began = performance.now();
    await page.goto(visit.addressOf('/'));
    await page.getByLabel('API token').waitFor();
    t.diagnostic(`the sign-in page is usable after ${Math.round(performance.now() - began)} ms and ${transferred} bytes`);

    await page.getByLabel('API token').fill(ADMIN_TOKEN);
    const signedIn = performance.now();
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { level: 1, name: 'Home' }).waitFor();
    await visit.settle();
    t.diagnostic(`Home is shown ${Math.round(performance.now() - signedIn)} ms after signing in; ${transferred} bytes in all`);
    assert.ok(transferred > 100_000, 'nothing was measured');
    assert.ok(transferred <= MAX_TRANSFER, `a first visit transfers ${transferred} bytes`);
  },
  { signedIn: false },
);

story('a list of 10,000 challenges does not freeze', async ({ page, server, visit }, t) => {
  const [profile] = await server.call('GET', '/scepProfiles');
  await server.call('PUT', `/scepProfiles/${profile.uuid}`, { challengeSources: ['ONE_TIME'] });
  for (let first = 0; first < MANY; first += BATCH) {
    const batch = Array.from({ length: BATCH }, (_, index) => ({ validity: 'P1D', note: `asset ${first + index}` }));
    await server.call('POST', `/scepProfiles/${profile.uuid}/challenges`, batch);
  }

  const began = performance.now();
  await visit.open(`/challenges?profile=${profile.uuid}`);
  const rows = page.getByRole('row', { name: /asset \d+/ });
  await rows.first().waitFor();
  t.diagnostic(`the list is shown after ${Math.round(performance.now() - began)} ms`);
  assert.ok((await page.getByRole('row').count()) <= MAX_ROWS);

  const newest = await rows.first().innerText();
  const clicked = performance.now();
  await page.getByRole('button', { name: 'Next page' }).click();
  await page.getByRole('row').filter({ hasText: newest }).waitFor({ state: 'detached' });
  await rows.first().waitFor();
  t.diagnostic(`the next page is shown after ${Math.round(performance.now() - clicked)} ms`);
  assert.ok((await page.getByRole('row').count()) <= MAX_ROWS);
});
