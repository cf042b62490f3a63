// Home: what it says of what was renewed, and what was not.

import assert from 'node:assert/strict';
import { Device } from './support/clients.mjs';
import { tellStories } from './support/story.mjs';

const story = tellStories();

const DAY = 24 * 3_600_000;

/** Sets how long certificates of the demo's RA Profile live. */
async function setValidity(server, validity) {
  const [{ uuid }] = await server.call('GET', '/raProfiles');
  await server.call('PUT', `/raProfiles/${uuid}`, { certificateTemplate: { validity } });
}

story('a certificate is not due any more once its device has a longer one', async ({ page, server, visit }) => {
  const [profile] = await server.call('GET', '/scepProfiles');
  await server.call('PUT', `/scepProfiles/${profile.uuid}`, { renewalThreshold: 400 });
  await setValidity(server, 'P60D');
  const device = new Device(server.scepUrl);
  for (const name of ['forgotten-1', 'renewed-1', 'renewed-2']) {
    await device.enrol(name, server.challenge);
  }
  await setValidity(server, 'P2Y');
  await device.renew('renewed-1');
  await device.renew('renewed-2');
  const { items } = await server.call('GET', '/certificates?subject=renewed-2');
  const stolen = items.find(({ predecessorUuid }) => predecessorUuid !== null);
  await server.call('POST', `/certificates/${stolen.uuid}/revoke`, { reason: 'keyCompromise' });
  device.remove();

  // Only the reader's clock runs ahead: the API does not read it.
  await page.clock.setSystemTime(Date.now() + 50 * DAY);
  await visit.open('/');
  const table = page.getByRole('table', { name: 'Certificates that expire soon' });
  await table.getByRole('link', { name: /forgotten-1/ }).waitFor();
  const names = await table.getByRole('link').allInnerTexts();
  assert.deepEqual(names.sort(), ['forgotten-1', 'renewed-2']);
});
