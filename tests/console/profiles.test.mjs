// SCEP Profiles and RA Profiles: made, edited, linked, enabled and deleted.

import assert from 'node:assert/strict';
import { checkAppearances } from './support/accessibility.mjs';
import { Device, WebhookReceiver } from './support/clients.mjs';
import { tellStories } from './support/story.mjs';

const story = tellStories();

const SECRET = 'a-challenge-for-the-profile-in-tests';

/** Makes a SCEP Profile with the demo's RA certificate and RA Profile. */
async function makeProfile(server, name, settings = {}) {
  const profiles = await server.call('GET', '/scepProfiles');
  const demo = profiles.find((profile) => profile.name === 'default');
  return server.call('POST', '/scepProfiles', {
    name, caCertificateUuid: demo.caCertificate.uuid, raProfileUuid: demo.raProfile.uuid, challengePassword: SECRET, ...settings,
  });
}

/** Makes an enabled RA Profile of the demo's authority. */
async function makeRaProfile(server, name) {
  const [demo] = await server.call('GET', '/raProfiles');
  return server.call('POST', `/authorities/${demo.authorityInstanceUuid}/raProfiles`, { name, enabled: true });
}

/** Selects the rows with these names, and none of the others that are shown. */
async function selectRows(page, names, others = []) {
  for (const [name, isSelected] of [...others.map((name) => [name, false]), ...names.map((name) => [name, true])]) {
    await page.getByRole('row', { name }).getByRole('checkbox').setChecked(isSelected);
  }
}

story('a SCEP Profile is made, serves a device, is edited and deleted', async ({ page, server, visit }) => {
  await visit.open('/scep-profiles');
  await page.getByRole('link', { name: 'Create' }).click();
  await visit.arrive('Create a SCEP Profile');
  await page.getByLabel('Name', { exact: true }).fill('office');
  await page.getByLabel('Description').fill('Printers of the office');
  await visit.choose('RA certificate', /Scepter Demo RA/);
  await visit.choose('Default RA Profile', 'default');
  await page.getByRole('checkbox', { name: 'One-time challenges' }).uncheck();
  await page.getByRole('checkbox', { name: 'A static challenge password' }).check();
  await page.getByLabel('Challenge password', { exact: true }).and(page.locator('input')).fill(SECRET);
  await page.getByRole('button', { name: 'Create' }).click();
  await visit.arrive('office');
  await page.getByText('It is disabled until you enable it').waitFor();
  await page.getByRole('button', { name: 'Enable' }).click();
  await visit.hear('1 SCEP Profile enabled.');

  const [office] = (await server.call('GET', '/scepProfiles')).filter(({ name }) => name === 'office');
  await page.getByText(office.scepUrl).waitFor();
  const device = new Device(office.scepUrl);
  assert.match(await device.enrol('printer-1', SECRET), /CN = printer-1/);
  device.remove();

  await page.getByRole('link', { name: 'Edit' }).click();
  await visit.arrive('Edit office');
  await page.getByLabel('Description').fill('Printers of the new office');
  await page.getByRole('button', { name: 'Save' }).click();
  await visit.arrive('office');
  await page.getByText('Printers of the new office').waitFor();

  await page.getByRole('button', { name: 'Delete' }).click();
  const dialog = page.getByRole('dialog');
  await checkAppearances(page, 'delete a profile');
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await visit.arrive('SCEP Profiles');
  await page.getByRole('row', { name: 'office' }).waitFor({ state: 'detached' });
});

story('a profile on which others depend is deleted only in a second step', async ({ page, server, visit }) => {
  const { uuid } = await makeProfile(server, 'depended-on');
  const [raProfile] = await server.call('GET', '/raProfiles');
  await server.call('PATCH', `/raProfiles/${raProfile.uuid}/protocols/scep/activate/${uuid}`);
  await visit.open('/scep-profiles');
  await selectRows(page, ['depended-on']);
  await page.getByRole('button', { name: 'Delete' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Delete', exact: true }).click();
  await dialog.getByText(raProfile.name).first().waitFor();
  await checkAppearances(page, 'dependants of a profile');
  assert.equal((await server.request('GET', `/scepProfiles/${uuid}`)).status, 200);
  await dialog.getByRole('button', { name: 'Unlink and delete' }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.getByRole('row', { name: 'depended-on' }).waitFor({ state: 'detached' });
  assert.equal((await server.request('GET', `/scepProfiles/${uuid}`)).status, 404);
});

story('several profiles are enabled, disabled and deleted at once', async ({ page, server, visit }) => {
  const names = ['bulk-1', 'bulk-2', 'bulk-3'];
  const made = [];
  for (const name of names) {
    made.push(await makeProfile(server, name));
  }
  const readStates = async () => {
    const profiles = await server.call('GET', '/scepProfiles');
    return names.map((name) => profiles.find((profile) => profile.name === name)?.enabled);
  };
  await visit.open('/scep-profiles');
  await page.getByRole('searchbox', { name: 'Filter SCEP Profiles' }).fill('bulk-');
  await page.getByText('3 matches').first().waitFor();
  await selectRows(page, names);
  await page.getByRole('button', { name: 'Enable' }).click();
  await visit.hear('3 SCEP Profiles enabled.');
  assert.deepEqual(await readStates(), [true, true, true]);
  await selectRows(page, names.slice(0, 2), names.slice(2));
  await page.getByRole('button', { name: 'Disable' }).click();
  await visit.hear('2 SCEP Profiles disabled.');
  assert.deepEqual(await readStates(), [false, false, true]);
  await selectRows(page, names);
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await visit.hear('3 SCEP Profiles deleted.');
  assert.deepEqual(await readStates(), [undefined, undefined, undefined]);
});

story('a save that fails keeps what was typed, and puts the reason beside its field', async ({ page, visit }) => {
  visit.provoke(/^422 POST .*raProfiles$/);
  await visit.open('/ra-profiles/new');
  await page.getByLabel('Name', { exact: true }).fill('with-a-bad-pattern');
  await visit.choose('Authority', /demo-ca/);
  const pattern = page.getByLabel(/^Pattern of the CN/);
  await pattern.fill('[a-z');
  await page.getByRole('button', { name: 'Create' }).click();
  // The reason describes the field itself, for those who cannot see where it stands.
  await page.waitForFunction(() => document.querySelector('[aria-invalid="true"]') !== null);
  assert.equal(await pattern.getAttribute('aria-invalid'), 'true');
  const described = await pattern.evaluate((input) =>
    (input.getAttribute('aria-describedby') ?? '').split(' ').map((id) => document.getElementById(id)?.innerText).join(' '),
  );
  assert.match(described, /regular expression|pattern/i);
  assert.equal(await pattern.inputValue(), '[a-z');
  assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'with-a-bad-pattern');
  await checkAppearances(page, 'a form with an error');
  await pattern.fill('[a-z]+');
  await page.getByRole('button', { name: 'Create' }).click();
  await visit.arrive('with-a-bad-pattern');
});

story('a form says everything that is wrong at once, and leads to the first fault', async ({ page, visit }) => {
  await visit.open('/scep-profiles/new');
  await page.getByRole('checkbox', { name: 'A static challenge password' }).check();
  await page.getByLabel('Renewal threshold').fill('soon');
  await page.getByRole('button', { name: 'Create' }).click();
  for (const sentence of [
    'Enter a name.', 'Choose an RA certificate.', 'Enter the challenge password.', 'Enter a whole number from 0 to 36500.',
  ]) {
    await page.getByText(sentence, { exact: true }).first().waitFor();
  }
  const name = page.getByLabel('Name', { exact: true });
  assert.ok(await name.evaluate((element) => element === document.activeElement), 'the name has no focus');
  await checkAppearances(page, 'a form with faults');
  await name.fill('complete');
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByText('Enter a name.', { exact: true }).first().waitFor({ state: 'detached' });
  // A list of choices gets the focus too.
  assert.match(await page.evaluate(() => document.activeElement.textContent), /Choose an RA certificate/);
});

story('an edit that somebody else overtook shows both versions', async ({ page, server, visit }) => {
  visit.provoke(/^4(09|12) PUT .*scepProfiles/);
  const { uuid } = await makeProfile(server, 'contended', { description: 'as it was' });
  await visit.open(`/scep-profiles/${uuid}/edit`);
  await page.getByLabel('Description').fill('as I want it');
  await server.call('PUT', `/scepProfiles/${uuid}`, { description: 'as they want it' });
  await page.getByRole('button', { name: 'Save' }).click();

  const dialog = page.getByRole('dialog', { name: 'Somebody else saved this in the meantime' });
  const row = dialog.getByRole('row', { name: /^Description/ });
  await row.getByText('as I want it').waitFor();
  await row.getByText('as they want it').waitFor();
  assert.equal(await page.getByText(/concurrently|in the meantime/).count(), 1, 'the form says it too');
  await checkAppearances(page, 'a conflict');
  await dialog.getByRole('button', { name: 'Go on typing' }).click();
  assert.equal(await page.getByLabel('Description').inputValue(), 'as I want it');
  await page.getByRole('button', { name: 'Save' }).click();
  await dialog.getByRole('button', { name: 'Save mine over it' }).click();
  await visit.arrive('contended');
  assert.equal((await server.call('GET', `/scepProfiles/${uuid}`)).description, 'as I want it');
});

story('profiles are linked from either side, and devices enrol at the endpoint', async ({ page, server, visit }) => {
  const rules = await makeRaProfile(server, 'linked-rules');
  const { uuid, scepUrl } = await makeProfile(server, 'linked-scep');
  await server.call('PATCH', `/scepProfiles/${uuid}/enable`);
  const endpoint = page.getByRole('main').getByText(/^http.*\/raProfile\//);
  const enrolAt = async (url, name) => {
    const device = new Device(url);
    await device.enrol(name, SECRET).finally(() => device.remove());
  };

  await visit.open(`/scep-profiles/${uuid}`);
  await visit.choose('Link an RA Profile', /linked-rules/);
  await page.getByRole('button', { name: 'Activate', exact: true }).click();
  await visit.hear('Activated on linked-rules.');
  const row = page.getByRole('table', { name: 'RA Profiles' }).getByRole('row', { name: /linked-rules/ });
  const url = await row.getByText(/^http/).innerText();
  await enrolAt(url, 'linked-1');
  await visit.choose('Link an RA Profile', /linked-rules/);
  await page.getByRole('button', { name: 'Make default' }).click();
  await visit.hear('linked-rules is the default.');
  await enrolAt(scepUrl, 'linked-2');
  await row.getByRole('button', { name: 'Deactivate' }).click();
  await visit.hear('Deactivated on linked-rules.');
  await assert.rejects(enrolAt(url, 'linked-3'));

  await row.getByRole('link', { name: 'linked-rules' }).click();
  await visit.arrive('linked-rules');
  await page.getByText('No SCEP Profile is activated').waitFor();
  await visit.choose('SCEP Profile', /linked-scep/);
  await page.getByRole('button', { name: 'Activate', exact: true }).click();
  await visit.hear('SCEP is activated.');
  assert.equal(await endpoint.innerText(), url);
  await enrolAt(url, 'linked-4');
  await page.getByRole('button', { name: 'Deactivate' }).click();
  await visit.hear('SCEP is deactivated.');
  await assert.rejects(enrolAt(url, 'linked-5'));
  const { items } = await server.call('GET', `/certificates?raProfileUuid=${rules.uuid}`);
  assert.deepEqual(items.map(({ commonName }) => commonName).sort(), ['linked-1', 'linked-2', 'linked-4']);
});

story('the webhook of a profile is tested, and what it answers is shown', async ({ page, server, visit }) => {
  const receiver = await WebhookReceiver.start();
  const { url, secret } = receiver;
  const { uuid } = await makeProfile(server, 'hooked', { challengeSources: ['WEBHOOK'], webhook: { url, secret } });
  await visit.open(`/scep-profiles/${uuid}`);
  const test = page.getByRole('button', { name: 'Test the webhook' });
  await test.click();
  await page.getByText(/^It answered after \d+ ms$/).waitFor();
  await page.getByText('The webhook took the signed test, with status 204').waitFor();
  assert.deepEqual(receiver.events.map(({ type, data }) => [type, data]), [['scep.test', { scepProfile: { uuid, name: 'hooked' } }]]);
  receiver.status = 500;
  await test.click();
  await page.getByText(/^It failed after \d+ ms$/).waitFor();
  await page.getByText(/status 500/).waitFor();
  await checkAppearances(page, 'a webhook that fails its test');
  receiver.stop();
});

story('an RA Profile is edited, and deleted with its link only in a second step', async ({ page, server, visit }) => {
  const { uuid } = await makeRaProfile(server, 'edited-rules');
  await makeProfile(server, 'of-edited-rules', { raProfileUuid: uuid });
  await visit.open(`/ra-profiles/${uuid}`);
  await page.getByRole('link', { name: 'Edit', exact: true }).click();
  await visit.arrive('Edit edited-rules');
  await page.getByLabel('Description').fill('Routers of the office');
  await page.getByLabel(/^Pattern of the CN/).fill('router-[0-9]+');
  await page.getByRole('button', { name: 'Save' }).click();
  await visit.arrive('edited-rules');
  await page.getByText('Routers of the office').waitFor();
  await page.getByText('router-[0-9]+').waitFor();
  const saved = await server.call('GET', `/raProfiles/${uuid}`);
  assert.equal(saved.certificateTemplate.subject.commonNamePattern, 'router-[0-9]+');

  await page.getByRole('button', { name: 'Delete' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Delete', exact: true }).click();
  await dialog.getByText('of-edited-rules').first().waitFor();
  assert.equal((await server.request('GET', `/raProfiles/${uuid}`)).status, 200);
  await dialog.getByRole('button', { name: 'Unlink and delete' }).click();
  await visit.arrive('RA Profiles');
  await page.getByRole('row', { name: 'edited-rules' }).waitFor({ state: 'detached' });
  assert.equal((await server.request('GET', `/raProfiles/${uuid}`)).status, 404);
});
