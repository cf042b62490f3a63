// Certificates: found, downloaded, traced to what they renewed, and revoked.

import assert from 'node:assert/strict';
import { checkAppearances } from './support/accessibility.mjs';
import { Device } from './support/clients.mjs';
import { tellStories } from './support/story.mjs';

const story = tellStories();

/** Has a device enrol at the demo's profile. */
async function enrolDevice(server, name) {
  const device = new Device(server.scepUrl);
  await device.enrol(name, server.challenge);
  return device;
}

story('a certificate is found by its name, and downloaded in both forms', async ({ page, server, visit }) => {
  const device = await enrolDevice(server, 'scanner-1');
  await enrolDevice(server, 'scanner-2').then((other) => other.remove());
  await visit.open('/certificates');
  await page.getByRole('link', { name: /scanner-2/ }).waitFor();
  const search = page.getByRole('combobox', { name: /^Search/ });
  await search.fill('scanner-1');
  await page.keyboard.press('Enter');
  await page.getByRole('link', { name: /scanner-2/ }).waitFor({ state: 'detached' });
  await page.getByRole('link', { name: 'scanner-1' }).click();
  await visit.arrive('scanner-1');

  const download = async (form) => {
    await page.getByRole('button', { name: /^Download/ }).click();
    return visit.download(() => page.getByRole('menuitem', { name: form }).click());
  };
  const pem = await download(/^PEM/);
  assert.equal(pem.name, 'scanner-1.pem');
  const der = await download(/^DER/);
  assert.equal(der.name, 'scanner-1.cer');
  assert.match(await device.run('openssl', 'verify', '-CAfile', 'ca.pem', pem.path), /: OK/);
  const print = (...form) => device.run('openssl', 'x509', '-noout', '-fingerprint', '-sha256', '-in', ...form);
  const fingerprint = await print('scanner-1.crt');
  assert.equal(await print(pem.path), fingerprint);
  assert.equal(await print(der.path, '-inform', 'DER'), fingerprint);
  await page.getByText(fingerprint.split('=')[1].trim()).waitFor();
  device.remove();
});

story('a certificate is revoked with its reason, and the CRL lists it', async ({ page, server, visit }) => {
  const device = await enrolDevice(server, 'stolen-1');
  const serial = (await device.run('openssl', 'x509', '-in', 'stolen-1.crt', '-noout', '-serial')).trim().split('=')[1];
  await visit.open(`/certificates?subject=stolen-1`);
  await page.getByRole('link', { name: /stolen-1/ }).click();
  await visit.arrive('stolen-1');
  await page.getByRole('button', { name: 'Revoke' }).click();
  const dialog = page.getByRole('dialog', { name: 'Revoke the certificate?' });
  await visit.choose('Reason', /Key compromise/, dialog);
  await checkAppearances(page, 'revoke a certificate');
  await dialog.getByRole('button', { name: 'Revoke' }).click();
  await visit.hear('The certificate was revoked');
  await page.getByText('for the reason “key compromise”').waitFor();

  await device.run('curl', '-fsS', '-o', 'crl.der', `${server.origin}/crl/demo-ca.crl`);
  assert.match(await device.run('openssl', 'crl', '-inform', 'DER', '-in', 'crl.der', '-noout', '-text'), new RegExp(`${serial}[^]*Key Compromise`));
  device.remove();
});

story('a certificate shows what renewed it', async ({ page, server, visit }) => {
  const [profile] = await server.call('GET', '/scepProfiles');
  await server.call('PUT', `/scepProfiles/${profile.uuid}`, { renewalThreshold: 400 });
  const device = await enrolDevice(server, 'renewed-1');
  await device.renew('renewed-1');
  device.remove();
  await visit.open('/certificates?subject=renewed-1');
  await page.getByRole('link', { name: /renewed-1/ }).last().click();
  await visit.arrive('renewed-1');
  const lineage = page.getByRole('table', { name: 'Lineage' });
  await lineage.getByRole('row').nth(2).waitFor();
  const successor = page.url();
  await lineage.getByRole('link').click();
  await page.waitForURL((url) => url.href !== successor);
  await visit.settle();
  await lineage.getByRole('row').nth(2).waitFor();
  assert.equal(await lineage.getByRole('row').count(), 3);
});
