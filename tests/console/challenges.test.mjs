// One-time challenges: made one by one and by a file, shown once, used by devices; and lock-outs.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { checkAppearances } from './support/accessibility.mjs';
import { Device, Workbench } from './support/clients.mjs';
import { tellStories } from './support/story.mjs';

const story = tellStories();

/** Has the demo's profile ask for one-time challenges, and returns it. */
async function chooseOneTime(server) {
  const [{ uuid }] = await server.call('GET', '/scepProfiles');
  return server.call('PUT', `/scepProfiles/${uuid}`, { challengeSources: ['ONE_TIME'] });
}

story('a challenge is made, shown once, and lets one device enrol', async ({ page, server, visit }) => {
  const { uuid } = await chooseOneTime(server);
  await visit.open(`/challenges?profile=${uuid}`);
  await page.getByRole('link', { name: 'Make challenges' }).first().click();
  await visit.arrive('Make challenges');
  await page.getByLabel(/^Note/).fill('asset 4711');
  await checkAppearances(page, 'make a challenge');
  await page.getByRole('button', { name: 'Make the challenge' }).click();
  const secret = (await page.getByText(/^[0-9A-Z]{26}$/).first().innerText()).trim();
  await checkAppearances(page, 'a challenge that was made');

  const device = new Device(server.scepUrl);
  assert.match(await device.enrol('kiosk-1', secret), /CN = kiosk-1/);
  await device.enrolInVain('kiosk-2', secret);
  device.remove();

  await page.getByRole('button', { name: 'I have copied it' }).click();
  await page.getByRole('link', { name: 'To the list of challenges' }).click();
  await visit.arrive('Challenges');
  await page.getByRole('row', { name: /asset 4711 .*Used/ }).getByRole('link', { name: 'Show' }).click();
  await visit.arrive('kiosk-1');
  await visit.open(`/challenges?profile=${uuid}`);
  assert.ok(!(await page.content()).includes(secret));
});

story('a file makes many challenges, and their secrets come back as a file', async ({ page, server, visit }) => {
  const { uuid } = await chooseOneTime(server);
  await visit.open(`/challenges/${uuid}/new`);
  await page.getByRole('tab', { name: /Many/ }).click();
  const desk = new Workbench();
  const choose = (name, text) => page.locator('input[type="file"]').setInputFiles(desk.write(name, text));
  await choose('wrong.csv', 'note,uses,subject.CN\nasset 1,many,pos-1\nasset 2,1,pos-2\n');
  const rows = page.getByRole('table', { name: 'Rows of the file' });
  await rows.getByRole('row', { name: /asset 1/ }).waitFor();
  await checkAppearances(page, 'a file with an error');
  assert.equal((await server.call('GET', `/scepProfiles/${uuid}/challenges?limit=500`)).items.filter(({ note }) => note === 'asset 2').length, 0);

  await choose('right.csv', 'note;validity;subject.CN\nKasse 1;P1D;pos-1\nKasse 2;;pos-2\n"Kasse; 3";P2D;pos-3\n');
  await rows.getByRole('row', { name: /Kasse; 3/ }).waitFor();
  await page.getByRole('button', { name: 'Make the challenges' }).click();
  const file = await visit.download(() => page.getByRole('button', { name: 'Save as CSV' }).click());
  assert.match(file.name, /^challenges-.*\.csv$/);
  await checkAppearances(page, 'challenges that were made');
  const lines = await desk.run('python3', '-c', 'import csv, json, sys; print(json.dumps(list(csv.DictReader(open(sys.argv[1], encoding="utf-8-sig")))))', file.path);
  const made = JSON.parse(lines);
  assert.deepEqual(made.map(({ note }) => note), ['Kasse 1', 'Kasse 2', 'Kasse; 3']);

  const device = new Device(server.scepUrl);
  await device.enrolInVain('pos-9', made[2].challengePassword);
  assert.match(await device.enrol('pos-2', made[1].challengePassword), /CN = pos-2/);
  device.remove();
  desk.remove();
});

story('who guesses is locked out, and unlocked by an administrator', async ({ page, server, visit }) => {
  const { uuid } = await chooseOneTime(server);
  await server.call('DELETE', `/scepProfiles/${uuid}/lockouts`);
  const device = new Device(server.scepUrl);
  for (let guess = 0; guess < 10; guess += 1) {
    await device.enrolInVain('guesser-1', `guess ${guess}`);
  }
  const { challengePassword } = await server.call('POST', `/scepProfiles/${uuid}/challenges`, { validity: 'PT1H' });
  await device.enrolInVain('guesser-1', challengePassword);
  await visit.open(`/challenges?profile=${uuid}`);
  await page.getByRole('row', { name: /127\.0\.0\.1/ }).waitFor();
  await checkAppearances(page, 'a lock-out');
  await page.getByRole('button', { name: 'Unlock all' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Unlock all' }).click();
  await visit.hear('Unlocked: they can enrol again.');
  await page.getByText(/^Nobody is locked out/).waitFor();
  await device.enrol('guesser-1', challengePassword);
  device.remove();
});
