// Authorities: a root, a subordinate of another CA, and the rollover to the next key.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { checkAppearances } from './support/accessibility.mjs';
import { Device, OpensslCa } from './support/clients.mjs';
import { tellStories } from './support/story.mjs';

const story = tellStories();

const findAuthority = async (server, name) => (await server.call('GET', '/authorities')).find((authority) => authority.name === name);

story('a root is made, gets an RA certificate, and publishes its CRL', async ({ page, server, visit }) => {
  await visit.open('/authorities');
  await page.getByRole('link', { name: 'Create authority' }).first().click();
  await visit.arrive('Create authority');
  await page.getByLabel('Name', { exact: true }).fill('plant-ca');
  await page.getByLabel('Subject', { exact: true }).fill('CN=Plant CA,O=Corp');
  await visit.choose('Key algorithm', /P-256/);
  await page.getByRole('button', { name: 'Create authority' }).click();
  await visit.arrive('plant-ca');

  await page.getByRole('button', { name: 'Create RA certificate' }).click();
  const dialog = page.getByRole('dialog', { name: 'Create RA certificate' });
  await dialog.getByLabel('Common name').fill('Plant RA');
  await checkAppearances(page, 'create an RA certificate');
  await dialog.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('row', { name: /CN=Plant RA/ }).waitFor();

  const ca = new OpensslCa();
  const crl = await visit.download(() => page.getByRole('button', { name: 'Download CRL' }).click());
  assert.equal(crl.name, 'plant-ca.crl');
  const certificate = (await findAuthority(server, 'plant-ca')).certificate.pem;
  await ca.run('openssl', 'crl', '-inform', 'DER', '-in', crl.path, '-noout', '-CAfile', ca.write('plant.pem', certificate));
  ca.remove();
});

story('a subordinate gets its certificate from another CA', async ({ page, server, visit }) => {
  visit.provoke(/^422 POST .*certificate$/);
  const ca = new OpensslCa();
  await ca.create();
  await server.call('POST', '/authorities', { name: 'branch-ca', kind: 'SUBORDINATE', subject: 'CN=Branch CA,O=Corp' });
  await visit.open('/authorities');
  await page.getByRole('link', { name: 'branch-ca' }).click();
  await visit.arrive('branch-ca');
  const request = await visit.download(() => page.getByRole('button', { name: /Download request/ }).click());
  const certificate = page.getByRole('textbox', { name: 'Certificate', exact: true });
  await certificate.fill(ca.certificate);
  await page.getByRole('button', { name: 'Install certificate' }).click();
  await page.getByText('It was not installed').or(page.locator('[aria-invalid="true"]')).first().waitFor();
  assert.equal(await certificate.inputValue(), ca.certificate);

  await certificate.fill(await ca.sign(readFileSync(request.path)));
  await page.getByRole('textbox', { name: 'Chain', exact: true }).fill(ca.certificate);
  await page.getByRole('button', { name: 'Install certificate' }).click();
  await visit.hear('The certificate of branch-ca was installed.');
  assert.equal((await findAuthority(server, 'branch-ca')).state, 'ACTIVE');
  ca.remove();
});

story('a rollover is begun and activated, and devices enrol under the next certificate', async ({ page, server, visit }) => {
  const { uuid } = await findAuthority(server, 'demo-ca');
  await visit.open(`/authorities/${uuid}`);
  await page.getByRole('button', { name: 'Begin rollover' }).click();
  const begin = page.getByRole('dialog', { name: /^Begin the rollover/ });
  await checkAppearances(page, 'begin a rollover');
  await begin.getByRole('button', { name: 'Begin rollover' }).click();
  await visit.hear('The rollover of demo-ca has begun.');
  await page.getByRole('button', { name: 'Activate' }).click();
  const activate = page.getByRole('dialog', { name: /^Activate the next generation/ });
  await checkAppearances(page, 'activate a rollover');
  await activate.getByRole('button', { name: 'Activate' }).click();
  await visit.hear('The next generation of demo-ca is current.');

  const device = new Device(server.scepUrl);
  await device.enrol('after-1', server.challenge);
  const fingerprint = await device.run('openssl', 'x509', '-in', 'ca.pem', '-noout', '-fingerprint', '-sha256');
  await page.getByText(fingerprint.split('=')[1].trim()).first().waitFor();
  device.remove();
});
