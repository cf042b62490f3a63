// An estate as an administrator of a company has it: authorities, profiles, challenges, and devices
// that enrolled, wait or were refused.

import { Device, OpensslCa } from './clients.mjs';

/** Fills a server that has the demo, and returns what it made. */
export async function buildEstate(server) {
  const call = server.call.bind(server);
  const authority = await call('POST', '/authorities', { name: 'corp-ca', subject: 'CN=Corp Device CA,O=Corp', keyAlgorithm: 'EC_P256' });
  const raCertificate = await call('POST', `/authorities/${authority.uuid}/raCertificates`, { commonName: 'Corp Device RA' });
  const subordinate = await call('POST', '/authorities', { name: 'branch-ca', kind: 'SUBORDINATE', subject: 'CN=Branch CA,O=Corp' });
  const rules = {
    validity: 'P90D',
    subject: { commonNamePattern: '[a-z0-9-]+', allowed: ['CN', 'O'] },
    subjectAltName: { types: ['dns'], patterns: { dns: '[a-z0-9.-]+\\.corp\\.example' } },
  };
  const routers = await call('POST', `/authorities/${authority.uuid}/raProfiles`, { name: 'routers', enabled: true, certificateTemplate: rules });
  const gateways = await call('POST', `/authorities/${authority.uuid}/raProfiles`, { name: 'gateways', enabled: true, certificateTemplate: { validity: 'P30D' } });
  const once = await makeScepProfile(server, 'routers', raCertificate, routers, { challengeSources: ['ONE_TIME'] });
  const waiting = await makeScepProfile(server, 'gateways', raCertificate, gateways, { challengePassword: 'correct horse battery', requireManualApproval: true });
  await makeScepProfile(server, 'phones', raCertificate, undefined, {
    challengeSources: ['WEBHOOK'],
    webhook: { url: 'https://inventory.corp.example/scep', secret: `whsec_${Buffer.alloc(32, 7).toString('base64')}` },
  });
  const made = await call('POST', `/scepProfiles/${once.uuid}/challenges`, [7, 8, 9, 10, 11, 12].map((number) => ({
    validity: 'P7D', subject: { CN: `router-${number}` }, note: `asset 47${number}`,
  })));

  const routerDevice = new Device(once.scepUrl);
  await routerDevice.enrol('router-7', made[0].challengePassword);
  await routerDevice.enrol('router-8', made[1].challengePassword);
  await routerDevice.enrolInVain('router-9', made[0].challengePassword);
  await routerDevice.enrolInVain('router-99', 'a guess');
  const demoDevice = new Device(server.scepUrl);
  await demoDevice.enrol('sensor-1', server.challenge);
  await demoDevice.enrol('sensor-2', server.challenge);
  await demoDevice.enrolInVain('sensor-3', 'not the challenge');
  const pending = [];
  for (const name of ['gateway-1', 'gateway-2']) {
    pending.push(await leaveRequest(server, waiting.scepUrl, name, 'correct horse battery'));
  }

  const { items: certificates } = await call('GET', '/certificates');
  const revoked = certificates.find(({ subject }) => subject.includes('sensor-2'));
  await call('POST', `/certificates/${revoked.uuid}/revoke`, { reason: 'superseded' });
  routerDevice.remove();
  demoDevice.remove();
  const { items: refusals } = await call('GET', '/scepRequests?outcome=REFUSED');
  return { authority, raCertificate, subordinate, routers, gateways, once, waiting, pending, certificates, refused: refusals[0] };
}

/** Makes an enabled SCEP Profile that leads to an RA Profile. */
export async function makeScepProfile(server, name, raCertificate, raProfile, settings) {
  const profile = await server.call('POST', '/scepProfiles', {
    name, caCertificateUuid: raCertificate.uuid, ...(raProfile && { raProfileUuid: raProfile.uuid }), ...settings,
  });
  if (raProfile) {
    await server.call('PATCH', `/raProfiles/${raProfile.uuid}/protocols/scep/activate/${profile.uuid}`);
  }
  await server.call('PATCH', `/scepProfiles/${profile.uuid}/enable`);
  return server.call('GET', `/scepProfiles/${profile.uuid}`);
}

/** Has a device send a request that waits for approval, go away, and returns the transaction. */
async function leaveRequest(server, url, name, challenge) {
  const device = new Device(url);
  const enrolment = device.enrol(name, challenge).catch(() => 'given up');
  const transaction = await findWaiting(server, name);
  device.remove();
  await enrolment;
  return transaction;
}

/** The transaction of a device that waits for approval, once its request has arrived. */
export function findWaiting(server, name) {
  return untilFound(async () => {
    const { items } = await server.call('GET', '/scepTransactions?status=PENDING');
    return items.find(({ subject }) => subject.includes(`CN=${name}`));
  });
}

/** Asks the server again until it has what a client sent a moment ago. */
export async function untilFound(ask) {
  for (;;) {
    const found = await ask();
    if (found) {
      return found;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
