// From an empty server to a device that has a certificate, by the wizard.

import assert from 'node:assert/strict';
import { checkAppearances } from './support/accessibility.mjs';
import { Workbench } from './support/clients.mjs';
import { Server } from './support/server.mjs';
import { tellStories } from './support/story.mjs';

const story = tellStories(() => Server.start({ demo: false }));

/** Pastes the instructions for strongSwan, which the page shows, into a shell. */
async function pasteInstructions(page) {
  const shell = new Workbench();
  const output = [];
  for (const name of ['the commands that fetch the certificates', 'the commands that enrol']) {
    output.push(await shell.run('bash', '-euc', await page.getByRole('group', { name }).innerText()));
  }
  shell.remove();
  return output.join('\n');
}

story('pages of an empty server lead to the first run', async ({ page, visit }) => {
  for (const path of ['/', '/scep-profiles', '/ra-profiles', '/authorities', '/certificates', '/requests', '/challenges']) {
    await visit.open(path);
    await page.getByRole('main').getByRole('link', { name: /first run|create|make|see how/i }).first().waitFor();
    await checkAppearances(page, `${path}, empty`);
  }
});

story('the wizard leads from an empty server to an enrolled device', async ({ page, visit, server }) => {
  visit.provoke(/^422 POST .*authorities$/);
  await visit.open('/first-run');
  const next = () => page.getByRole('button', { name: 'Next' }).click();
  // What was typed wrongly is told beside its field, and nothing else has to be typed again.
  await page.getByLabel('Subject', { exact: true }).fill('Corp Device CA');
  await checkAppearances(page, 'first run, authority');
  await next();
  await page.getByRole('heading', { name: 'RA certificate', exact: true }).first().waitFor();
  await checkAppearances(page, 'first run, RA certificate');
  await next();
  await page.getByRole('heading', { name: 'Rules', exact: true }).first().waitFor();
  await checkAppearances(page, 'first run, rules');
  await next();
  await page.getByRole('heading', { name: 'SCEP Profile', exact: true }).first().waitFor();
  await checkAppearances(page, 'first run, SCEP Profile');
  await next();
  await page.getByRole('heading', { name: 'Summary', exact: true }).first().waitFor();
  await checkAppearances(page, 'first run, summary');
  await page.getByRole('button', { name: 'Create everything' }).click();
  await page.getByText(/was not created|failed|not be created/i).first().waitFor();
  assert.deepEqual(await server.call('GET', '/authorities'), []);

  for (const heading of ['SCEP Profile', 'Rules', 'RA certificate', 'Authority']) {
    await page.getByRole('button', { name: 'Previous' }).click();
    await page.getByRole('heading', { name: heading, exact: true }).first().waitFor();
  }
  const subject = page.getByLabel('Subject', { exact: true });
  assert.equal(await subject.inputValue(), 'Corp Device CA');
  assert.equal(await subject.getAttribute('aria-invalid'), 'true');
  await subject.fill('CN=Corp Device CA,O=Corp');
  for (const heading of ['RA certificate', 'Rules', 'SCEP Profile', 'Summary']) {
    await next();
    await page.getByRole('heading', { name: heading, exact: true }).first().waitFor();
  }
  await page.getByRole('button', { name: /Try again|Create everything/ }).click();

  await page.getByRole('group', { name: 'the commands that enrol' }).waitFor();
  await checkAppearances(page, 'first run, outcome');
  const printed = await pasteInstructions(page);
  assert.match(printed, /device.crt: OK/);
  const fingerprint = printed.match(/Fingerprint=([0-9A-F:]+)/i)[1];
  await page.getByText(fingerprint).first().waitFor();
  const { items } = await server.call('GET', '/certificates');
  assert.deepEqual(items.map(({ subject }) => subject), ['CN=device-1']);

  for (const tab of await page.getByRole('tab').all()) {
    await tab.click();
    await checkAppearances(page, `first run, ${await tab.innerText()}`);
  }
  const profile = await visit.download(async () => {
    await page.getByRole('tab', { name: /Apple/ }).click();
    await page.getByRole('button', { name: /^Download .*mobileconfig/ }).click();
  });
  assert.match(profile.name, /\.mobileconfig$/);
  const shell = new Workbench();
  const plist = JSON.parse(await shell.run('python3', '-c', 'import json, plistlib, sys; print(json.dumps(plistlib.load(open(sys.argv[1], "rb")), default=str))', profile.path));
  shell.remove();
  const scep = plist.PayloadContent.find(({ PayloadType }) => PayloadType === 'com.apple.security.scep');
  assert.match(scep.PayloadContent.URL, /\/scep\/devices\/pkiclient.exe$/);
});
