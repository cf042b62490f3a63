import { expect, test } from 'vitest';

import type { AuditItem } from '../../api/schema';
import { actionText, kindInSentence, kindText, objectPath } from './words';

const item: AuditItem = {
  uuid: 'r',
  at: '2026-01-01T00:00:00Z',
  who: 'token admin',
  action: 'edit',
  objectKind: 'scepProfile',
  objectUuid: 'o',
};

test('a record leads to its object while that exists', () => {
  expect(objectPath(item)).toBe('/scep-profiles/o');
  expect(objectPath({ ...item, action: 'delete' })).toBeUndefined();
  expect(objectPath({ ...item, objectKind: 'raCertificate' })).toBeUndefined();
  expect(objectPath({ ...item, objectKind: 'later' })).toBeUndefined();
});

test('what this console does not know is shown as the API calls it', () => {
  expect([actionText('revoke'), actionText('later')]).toEqual(['Revoked', 'later']);
  expect([kindInSentence('transaction'), kindInSentence('raProfile')]).toEqual([
    'request',
    'RA Profile',
  ]);
  expect([kindText('transaction'), kindText('later')]).toEqual(['Request', 'later']);
});
