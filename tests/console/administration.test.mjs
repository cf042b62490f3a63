// Audit, tokens and settings, and what those see who may only read.

import assert from 'node:assert/strict';
import { checkAppearances } from './support/accessibility.mjs';
import { tellStories } from './support/story.mjs';

const story = tellStories();

story('a token is created with scopes, shown once, and revoked', async ({ page, server, visit }) => {
  await visit.open('/tokens');
  await page.getByRole('button', { name: 'Create token' }).click();
  const dialog = page.getByRole('dialog', { name: 'Create token' });
  await dialog.getByLabel('Name', { exact: true }).fill('dashboard');
  await visit.choose('Scopes', /read/i, dialog);
  await page.keyboard.press('Escape');
  await checkAppearances(page, 'create a token');
  await dialog.getByRole('button', { name: 'Create' }).click();
  const shown = page.getByRole('dialog', { name: 'Token dashboard' });
  const token = (await shown.getByText(/^scepter_/).innerText()).trim();
  await checkAppearances(page, 'a token that was created');
  const readAs = (path) => fetch(`${server.origin}/api/v1${path}`, { headers: { Authorization: `Bearer ${token}` } });
  assert.deepEqual((await (await readAs('/caller')).json()).scopes, ['read']);
  await shown.getByRole('button', { name: 'I have kept it' }).click();
  assert.ok(!(await page.content()).includes(token));

  await page.getByRole('row', { name: /dashboard/ }).getByRole('button', { name: 'Revoke' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await page.getByRole('row', { name: /dashboard.*Revoked/ }).waitFor();
  assert.equal((await readAs('/caller')).status, 401);
});

story('an audit record names who changed what, before and after', async ({ page, server, visit }) => {
  const { token, id } = await server.call('POST', '/tokens', { name: 'the new colleague', scopes: ['read', 'write'] });
  const [profile] = await server.call('GET', '/raProfiles');
  const edited = await fetch(`${server.origin}/api/v1/raProfiles/${profile.uuid}`, {
    method: 'PUT', headers: { Authorization: `Bearer ${token}` }, body: JSON.stringify({ description: 'as the colleague wrote' }),
  });
  assert.equal(edited.status, 200);
  await visit.open(`/audit?objectUuid=${profile.uuid}`);
  const row = page.getByRole('row', { name: new RegExp(`the new colleague.*${id}`) });
  await row.getByRole('button', { name: /^Changes/ }).click();
  const change = page.getByRole('dialog').getByRole('row', { name: /description/ });
  await change.getByText('as the colleague wrote').waitFor();
  await checkAppearances(page, 'a change');
});

story('settings are shown with what they mean', async ({ page, server, visit }) => {
  const settings = await server.call('GET', '/settings');
  await visit.open('/settings');
  await page.getByRole('row').filter({ hasText: settings.publicUrl }).first().waitFor();
  await page.getByText(settings.version, { exact: true }).waitFor();
});

story(
  'who may only read sees everything, can change nothing, and is told why',
  async ({ page, server, visit }) => {
    const { token } = await server.call('POST', '/tokens', { name: 'reader', scopes: ['read'] });
    const [profile] = await server.call('GET', '/scepProfiles');
    const [raProfile] = await server.call('GET', '/raProfiles');
    const [authority] = await server.call('GET', '/authorities');
    await visit.signIn(token);
    for (const [path, action] of [
      ['/scep-profiles', 'Create'],
      [`/scep-profiles/${profile.uuid}`, 'Edit'],
      ['/scep-profiles/new', 'Create'],
      [`/scep-profiles/${profile.uuid}/edit`, 'Save'],
      ['/ra-profiles', 'Create'],
      [`/ra-profiles/${raProfile.uuid}`, 'Edit'],
      [`/ra-profiles/${raProfile.uuid}/edit`, 'Save'],
      ['/authorities', 'Create authority'],
      [`/authorities/${authority.uuid}`, 'Begin rollover'],
      ['/tokens', 'Create token'],
    ]) {
      await visit.open(path);
      // A link that leads nowhere is a button to those who cannot see it.
      const control = page.getByRole('button', { name: action, exact: true }).or(page.getByRole('link', { name: action, exact: true })).first();
      await control.waitFor();
      assert.equal(await control.getAttribute('aria-disabled'), 'true', `${path}: ${action}`);
      await control.focus();
      await page.getByText(/lacks the scope write/).filter({ visible: true }).first().waitFor();
    }
    await visit.open('/scep-profiles');
    await checkAppearances(page, 'a page of a reader');
  },
  { signedIn: false },
);

story(
  'who may not read is told so',
  async ({ page, server, visit }) => {
    visit.provoke(/^403 GET /);
    const { token } = await server.call('POST', '/tokens', { name: 'mdm', scopes: ['challenge'] });
    await visit.signIn(token);
    await page.getByText('You may not see the state of the server').waitFor();
    await checkAppearances(page, 'home without the scope read');
    await visit.open('/certificates');
    await page.getByText('You may not see this').waitFor();
    await checkAppearances(page, 'a list without the scope read');
  },
  { signedIn: false },
);
