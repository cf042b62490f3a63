// People sign in at a user pool, by authorization code with PKCE.

import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { checkAppearances } from './support/accessibility.mjs';
import { PeopleDoor } from './support/people.mjs';
import { tellStories } from './support/story.mjs';

const story = tellStories(() => PeopleDoor.start());
const signedOut = { signedIn: false };

/** Types a name and the password at the pool, which leads back to the console. */
async function signInAtPool(page, { pool, password }, name) {
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL(`${pool}/**`);
  await page.locator('input[name="username"]').fill(name);
  await page.locator('input[name="password"]').fill(password);
  await page.locator('input[name="password"]').press('Enter');
}

/** Everything that this origin stores in the browser, and the address of the page. */
const listTraces = (page) =>
  page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href]));

story(
  'a person signs in at the pool, comes back to the page that was asked for, and leaves no token behind',
  async ({ page, server, visit }) => {
    await page.goto(visit.addressOf('/settings'));
    await page.getByText(/You sign in at/).waitFor();
    await checkAppearances(page, 'sign-in at a provider');
    await signInAtPool(page, server, 'chief');
    await visit.arrive('Settings');
    await page.getByRole('button', { name: 'Your session' }).getByText('chief').waitFor();
    const traces = await listTraces(page);
    assert.ok(!/eyJ|code=|verifier|token/i.test(traces), traces);
    await server.checkObjections();
  },
  signedOut,
);

story(
  'audit records name the person',
  async ({ page, server, visit }) => {
    await page.goto(visit.addressOf('/authorities/new'));
    await signInAtPool(page, server, 'writer');
    await visit.arrive('Create authority');
    await page.getByLabel('Name', { exact: true }).fill('made-by-writer');
    await page.getByLabel('Subject', { exact: true }).fill('CN=Made by a writer');
    await page.getByRole('button', { name: 'Create authority' }).click();
    await visit.arrive('made-by-writer');
    await page.getByRole('link', { name: 'Audit' }).click();
    await page.getByRole('row', { name: /person:writer.*made-by-writer/ }).first().waitFor();
  },
  signedOut,
);

story(
  'an access token is refreshed while somebody works',
  async ({ page, server, visit }) => {
    // Less than the console's margin before the expiry, so that it refreshes before each request.
    await server.tellPool('PUT', '/access', '20');
    await page.goto(visit.addressOf('/'));
    await signInAtPool(page, server, 'chief');
    await visit.arrive('Home');
    for (const name of ['Authorities', 'RA Profiles', 'Settings']) {
      await page.getByRole('link', { name, exact: true }).first().click();
      await visit.arrive(name);
    }
    await server.tellPool('PUT', '/access', '900');
    await server.checkObjections();
  },
  signedOut,
);

story(
  'signing out ends the sessions of every tab, and revokes their tokens',
  async ({ page, server, visit, context }) => {
    await server.tellPool('DELETE', '/sessions');
    await page.goto(visit.addressOf('/settings'));
    await signInAtPool(page, server, 'chief');
    await visit.arrive('Settings');
    const other = await context.newPage();
    await other.goto(visit.addressOf('/'));
    await signInAtPool(other, server, 'chief');
    await other.getByRole('button', { name: 'Your session' }).click();
    assert.equal(await server.tellPool('GET', '/sessions'), '2');
    await other.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.getByText(/You sign in at/).waitFor();
    await other.getByText(/You sign in at/).waitFor();
    for (let left = 50; (await server.tellPool('GET', '/sessions')) !== '0'; left -= 1) {
      assert.ok(left > 0, 'a refresh token is still of use');
      await delay(100);
    }
    await server.checkObjections();
  },
  signedOut,
);

/** Has the chief fill in a form whose session ends before it is saved. Returns the dialog that says so. */
async function typeUntilItEnds({ page, server, visit }, name, subject) {
  visit.provoke(/^40[01] /);
  await server.tellPool('PUT', '/access', '1');
  await page.goto(visit.addressOf('/authorities/new'));
  await signInAtPool(page, server, 'chief');
  await visit.arrive('Create authority');
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.getByLabel('Subject', { exact: true }).fill(subject);
  await server.tellPool('DELETE', '/sessions');
  await server.tellPool('PUT', '/access', '900');
  const dialog = page.getByRole('dialog', { name: 'Sign in again' });
  // Another request of the page may find out first, and the dialog then lies over the button.
  const save = page.getByRole('button', { name: 'Create authority' });
  await save.click({ timeout: 3000 }).catch(() => dialog.waitFor());
  await dialog.waitFor();
  return dialog;
}

story(
  'a session that ends in the middle of an edit goes on when the person signs in in another tab',
  async ({ page, server, visit, context }) => {
    const dialog = await typeUntilItEnds({ page, server, visit }, 'typed-before-it-ended', 'CN=Typed before it ended');
    await checkAppearances(page, 'sign in again at a provider');
    const [other] = await Promise.all([context.waitForEvent('page'), dialog.getByRole('link', { name: /^Sign in/ }).click()]);
    await signInAtPool(other, server, 'chief');
    await dialog.waitFor({ state: 'detached' });
    assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'typed-before-it-ended');
    await page.getByRole('button', { name: 'Create authority' }).click();
    await visit.arrive('typed-before-it-ended');
  },
  signedOut,
);

story(
  'nothing that somebody typed is left for another person, who signs in in another tab',
  async ({ page, server, visit, context }) => {
    const dialog = await typeUntilItEnds({ page, server, visit }, 'typed-by-the-chief', 'CN=Typed by the chief');
    const other = await context.newPage();
    await other.goto(visit.addressOf('/'));
    await signInAtPool(other, server, 'reader');
    await visit.arrive('Home');
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Your session' }).getByText('reader').waitFor();
    assert.ok(!(await page.content()).includes('typed-by-the-chief'));
  },
  signedOut,
);

story(
  'signing out ends the session at the pool too, and leads back',
  async ({ page, server, visit }) => {
    await page.goto(visit.addressOf('/'));
    await signInAtPool(page, server, 'reader');
    await visit.arrive('Home');
    await page.getByRole('button', { name: 'Your session' }).click();
    const [leaving] = await Promise.all([
      page.waitForRequest((request) => request.url().startsWith(`${server.pool}/logout`)),
      page.getByRole('menuitem', { name: 'Sign out' }).click(),
    ]);
    assert.equal(new URL(leaving.url()).searchParams.get('logout_uri'), visit.addressOf('/'));
    await page.getByText(/You sign in at/).waitFor();
  },
  signedOut,
);

story(
  'who is in no group is told what that means',
  async ({ page, server, visit }) => {
    visit.provoke(/^403 /);
    await page.goto(visit.addressOf('/'));
    await signInAtPool(page, server, 'outsider');
    await visit.arrive('Home');
    await page.getByText(/You may not see/).first().waitFor();
    await checkAppearances(page, 'home of an outsider');
  },
  signedOut,
);

story(
  'an answer that this tab did not ask for signs nobody in',
  async ({ page, visit }) => {
    await page.goto(visit.addressOf('/signed-in?code=stolen&state=forged'));
    await page.getByText('You are not signed in').waitFor();
    await page.getByRole('link', { name: 'Try again' }).waitFor();
  },
  signedOut,
);
