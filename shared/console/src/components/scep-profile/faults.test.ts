import { expect, test } from 'vitest';

import { untouchedSecret } from '../forms/secret';
import { NEW_SCEP_PROFILE, type ScepProfileDraft } from './draft';
import { scepProfileFaults } from './faults';

/** The paths of the fields that are wrong. */
function faultyPaths(draft: ScepProfileDraft): (string | undefined)[] {
  return scepProfileFaults(draft)
    .filter((fault) => fault !== undefined)
    .map((fault) => fault.split(':', 1)[0]);
}

const COMPLETE: ScepProfileDraft = { ...NEW_SCEP_PROFILE, name: 'office', caCertificateUuid: 'x' };

test('a profile needs its name, its RA certificate and what its sources need, all said at once', () => {
  expect(faultyPaths(COMPLETE)).toEqual([]);
  expect(
    faultyPaths({
      ...NEW_SCEP_PROFILE,
      sources: ['STATIC', 'INTUNE', 'WEBHOOK'],
      renewalThreshold: 'x',
    }),
  ).toEqual([
    'name',
    'caCertificateUuid',
    'challengePassword',
    'intuneTenant',
    'intuneApplicationId',
    'intuneApplicationKey',
    'webhook.url',
    'webhook.secret',
    'renewalThreshold',
  ]);
});

test('a stored secret need not be typed again', () => {
  const challengePassword = untouchedSecret(true);
  expect(faultyPaths({ ...COMPLETE, sources: ['STATIC'], challengePassword })).toEqual([]);
});
