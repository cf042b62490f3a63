// Requests: why one was refused, and the decision about one that waits.

import assert from 'node:assert/strict';
import { checkAppearances } from './support/accessibility.mjs';
import { Device } from './support/clients.mjs';
import { findWaiting, makeScepProfile } from './support/estate.mjs';
import { tellStories } from './support/story.mjs';

const story = tellStories();

const SECRET = 'a-challenge-for-the-profile-in-tests';

/** Makes a profile under which enrolments wait for approval. */
async function makeWaitingProfile(server, name) {
  const demo = (await server.call('GET', '/scepProfiles')).find((profile) => profile.name === 'default');
  const authority = demo.caCertificate.authorityUuid;
  const raProfile = await server.call('POST', `/authorities/${authority}/raProfiles`, { name, enabled: true });
  return makeScepProfile(server, name, demo.caCertificate, raProfile, { challengePassword: SECRET, requireManualApproval: true });
}

story('a refused request appears with the checks that it passed, and why it stopped', async ({ page, server, visit }) => {
  const device = new Device(server.scepUrl);
  await device.enrol('welcome-1', server.challenge);
  await device.enrolInVain('intruder-1', 'not the challenge');
  device.remove();
  await visit.open('/requests');
  await page.getByRole('row', { name: /welcome-1/ }).waitFor();
  await visit.choose('Outcome', 'Refused');
  await page.getByRole('row', { name: /welcome-1/ }).waitFor({ state: 'detached' });
  await page.getByRole('row', { name: /intruder-1/ }).getByRole('link').first().click();
  await visit.arrive('Request');

  await page.getByRole('button', { name: /It passed \d+ checks/ }).click();
  const checks = page.getByRole('list', { name: /the request (passed|failed)/ }).getByRole('listitem');
  const outcomes = [];
  for (const check of await checks.all()) {
    const label = await check.getByRole('img').first().getAttribute('aria-label');
    outcomes.push([(await check.innerText()).split('\n')[0], label]);
  }
  const failed = outcomes.findIndex(([, outcome]) => outcome === 'Failed');
  assert.equal(outcomes[failed]?.[0], 'Authorisation', JSON.stringify(outcomes));
  assert.ok(outcomes.slice(0, failed).every(([, outcome]) => outcome === 'Passed') && failed > 5, JSON.stringify(outcomes));
  assert.ok(outcomes.slice(failed + 1).every(([, outcome]) => outcome === 'Not reached'), JSON.stringify(outcomes));
  await page.getByRole('main').getByText(/challenge/i).first().waitFor();
  assert.ok(!(await page.locator('body').innerText()).includes('not the challenge'));
  await checkAppearances(page, 'a refused request');
});

function confirmApproval(page) {
  return page.getByRole('dialog', { name: 'Approve the request?' }).getByRole('button', { name: 'Approve' }).click();
}

story('a waiting request is approved between two polls of the device', async ({ page, server, visit }) => {
  const profile = await makeWaitingProfile(server, 'approved');
  const device = new Device(profile.scepUrl);
  const enrolment = device.enrol('patient-1', SECRET);
  await findWaiting(server, 'patient-1');
  await visit.open('/');
  await page.getByRole('table', { name: 'Requests that wait for approval' }).getByRole('link', { name: /patient-1/ }).click();
  await visit.arrive('Transaction');
  const certified = page.getByRole('table', { name: 'What will be certified' });
  await certified.getByRole('row', { name: /digitalSignature/ }).waitFor();
  await page.getByRole('definition').getByText('CN=patient-1,O=Corp').waitFor();
  await page.getByText('kept for refused requests only').waitFor();
  await checkAppearances(page, 'a waiting request');
  await page.getByRole('button', { name: 'Approve' }).click();
  const dialog = page.getByRole('dialog', { name: 'Approve the request?' });
  await dialog.getByText('CN=patient-1,O=Corp').waitFor();
  await checkAppearances(page, 'approve a request');
  await confirmApproval(page);
  await visit.hear('The request is approved.');
  assert.match(await enrolment, /CN = patient-1/);
  device.remove();
  const { items } = await server.call('GET', '/certificates?subject=patient-1');
  assert.equal(items.length, 1);
  // A script may link to the request instead.
  const granted = await server.call('GET', '/scepRequests?outcome=GRANTED');
  const request = granted.items.find(({ subject }) => subject.includes('patient-1'));
  await visit.open(`/requests/${request.uuid}`);
  await page.getByText('kept for refused requests only').waitFor();
});

story('a waiting request is rejected with a reason, and the device is refused', async ({ page, server, visit }) => {
  const profile = await makeWaitingProfile(server, 'rejected');
  const device = new Device(profile.scepUrl);
  const refused = device.enrolInVain('hopeful-1', SECRET);
  const { uuid } = await findWaiting(server, 'hopeful-1');
  await visit.open(`/transactions/${uuid}`);
  await page.getByRole('button', { name: 'Reject' }).click();
  const dialog = page.getByRole('dialog', { name: 'Reject the request?' });
  await dialog.getByRole('textbox', { name: 'Reason' }).fill('not one of ours');
  await checkAppearances(page, 'reject a request');
  await dialog.getByRole('button', { name: 'Reject' }).click();
  await visit.hear('The request is rejected.');
  await refused;
  device.remove();
  await visit.open('/requests?outcome=REJECTED');
  await page.getByRole('row', { name: /hopeful-1/ }).waitFor();
  const { items } = await server.call('GET', '/scepRequests?outcome=REJECTED');
  assert.match(items[0].message, /not one of ours/);
});

story('a request that changed since it was looked at is not approved', async ({ page, server, visit }) => {
  visit.provoke(/^4(09|12) POST .*approve$/);
  const profile = await makeWaitingProfile(server, 'changed');
  const device = new Device(profile.scepUrl);
  const enrolment = device.enrol('wavering-1', SECRET);
  const { uuid } = await findWaiting(server, 'wavering-1');
  await visit.open(`/transactions/${uuid}`);
  await page.getByRole('button', { name: 'Approve' }).waitFor();
  const raProfile = (await server.call('GET', '/raProfiles')).find(({ name }) => name === 'changed');
  await server.call('PUT', `/raProfiles/${raProfile.uuid}`, { certificateTemplate: { validity: 'P7D' } });
  await page.getByRole('button', { name: 'Approve' }).click();
  await confirmApproval(page);
  await page.getByText('It changed while you looked at it').waitFor();
  assert.equal((await server.call('GET', `/scepTransactions/${uuid}`)).status, 'PENDING');
  await page.getByRole('button', { name: 'Approve' }).click();
  await confirmApproval(page);
  await visit.hear('The request is approved.');
  await enrolment;
  device.remove();
});

story('Home counts what happened and names what does not serve', async ({ page, server, visit }) => {
  const device = new Device(server.scepUrl);
  await device.enrol('counted-1', server.challenge);
  await device.enrolInVain('counted-2', 'not the challenge');
  device.remove();
  const demo = (await server.call('GET', '/scepProfiles')).find((profile) => profile.name === 'default');
  await server.call('PATCH', `/scepProfiles/${demo.uuid}/disable`);
  await visit.open('/');
  await page.getByRole('row', { name: /^default The SCEP Profile is disabled SCEP Profile/ }).waitFor();
  // The chart comes last, and moves what is below it.
  await page.getByRole('application', { name: 'Requests by hour' }).waitFor();
  await page.getByRole('button', { name: 'The same as a table' }).click();
  await page.getByRole('table', { name: /Requests by hour/ }).waitFor();
  await server.call('PATCH', `/scepProfiles/${demo.uuid}/enable`);
});
