// Sign in with a token of the local server, and what happens when the server no longer takes it.

import assert from 'node:assert/strict';
import { checkAppearances } from './support/accessibility.mjs';
import { ADMIN_TOKEN } from './support/server.mjs';
import { tellStories } from './support/story.mjs';

const story = tellStories();

/** Makes a token that a test may revoke. */
const makeToken = (server, name, scopes) => server.call('POST', '/tokens', { name, scopes });

story(
  'a wrong token is refused in words, and the right one leads to the page that was asked for',
  async ({ page, visit }) => {
    visit.provoke(/^401 GET .*caller$/);
    await page.goto(visit.addressOf('/settings'));
    const token = page.getByLabel('API token');
    await token.waitFor();
    await checkAppearances(page, 'sign-in');
    await token.fill('scepter_not_a_token');
    await page.keyboard.press('Enter');
    await page.getByText('The server does not know this token').waitFor();
    await checkAppearances(page, 'sign-in, refused');
    await token.fill(ADMIN_TOKEN);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Settings' }).waitFor();
  },
  { signedIn: false },
);

story(
  'a token is forgotten by a reload, unless the tab was asked to remember it, and never stored beyond the tab',
  async ({ page, visit, context }) => {
    const signIn = async (remember) => {
      await page.getByLabel('API token').fill(ADMIN_TOKEN);
      await page.getByRole('checkbox', { name: /remember/i }).setChecked(remember);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByRole('button', { name: 'Your session' }).waitFor();
    };
    const listStorage = () => page.evaluate(() => JSON.stringify([{ ...localStorage }, document.cookie]));
    await page.goto(visit.addressOf('/'));
    await signIn(false);
    assert.equal(await page.evaluate(() => JSON.stringify({ ...sessionStorage })), '{}');
    await page.reload();
    await signIn(true);
    await page.reload();
    await page.getByRole('button', { name: 'Your session' }).waitFor();
    assert.ok(!(await listStorage()).includes(ADMIN_TOKEN));

    const other = await context.newPage();
    await other.goto(visit.addressOf('/'));
    await other.getByLabel('API token').waitFor();

    // A session that ends without a word leaves the token behind, until another one begins.
    await page.evaluate(() => sessionStorage.setItem('scepter.token', 'scepter_not_a_token'));
    visit.provoke(/^401 /);
    await page.reload();
    const dialog = page.getByRole('dialog', { name: 'Sign in again' });
    await dialog.waitFor();
    await signIn(false);
    await dialog.waitFor({ state: 'detached' });
    assert.equal(await page.evaluate(() => JSON.stringify({ ...sessionStorage })), '{}');
  },
  { signedIn: false },
);

story('signing out forgets the token', async ({ page, visit }) => {
  await page.getByRole('button', { name: 'Your session' }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await page.getByLabel('API token').waitFor();
  await page.reload();
  await page.getByLabel('API token').waitFor();
  await visit.open('/audit');
  await page.getByLabel('API token').waitFor();
});

story(
  'a session that ends in the middle of an edit keeps what was typed, and goes on as whoever signs in',
  async ({ page, server, visit }) => {
    visit.provoke(/^401 /);
    const { id, token } = await makeToken(server, 'soon revoked', ['read', 'write']);
    await visit.signIn(token);
    await page.getByRole('button', { name: 'Your session' }).getByText('soon revoked').waitFor();
    await visit.open('/ra-profiles/new');
    await page.getByLabel('Name', { exact: true }).fill('typed-before-it-ended');
    await visit.choose('Authority', /demo-ca/);
    await server.call('DELETE', `/tokens/${id}`);
    await page.getByRole('button', { name: 'Create' }).click();
    const dialog = page.getByRole('dialog', { name: 'Sign in again' });
    await dialog.getByText('What you typed is kept').waitFor();
    await checkAppearances(page, 'sign in again');
    await page.keyboard.press('Escape');
    await dialog.getByLabel('API token').fill(ADMIN_TOKEN);
    await dialog.getByRole('button', { name: 'Sign in' }).click();
    await dialog.waitFor({ state: 'detached' });

    assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'typed-before-it-ended');
    await page.getByRole('button', { name: 'Create' }).click();
    await page.getByRole('heading', { level: 1, name: 'typed-before-it-ended' }).waitFor();
    await page.getByRole('button', { name: 'Your session' }).getByText('SCEPTER_ADMIN_TOKEN').waitFor();
  },
  { signedIn: false },
);
