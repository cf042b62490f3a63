import { expect, test } from 'vitest';

import type { TransactionView } from '../../api/schema';
import { timeText } from '../../components/Time';
import { reviewChanges, reviewRows } from './review';

/** As the API responds for a request that waits. */
const PENDING = JSON.parse(`{
  "uuid": "u", "transactionId": "t", "messageType": "19", "status": "PENDING",
  "scepProfile": { "uuid": "s", "name": "s" }, "raProfile": { "uuid": "r", "name": null },
  "subject": "CN=device-1", "createdAt": "2026-01-01T00:00:00Z", "certificateUuid": null,
  "subjectAltNames": ["DNS:device-1"], "sid": null, "publicKeySha256": "AA:BB",
  "keyUsage": ["digitalSignature"], "extendedKeyUsage": [],
  "notBefore": "2026-01-01T00:00:00Z", "notAfter": "2027-01-01T00:00:00Z"
}`) as TransactionView;

test('what will be certified is shown, and an empty list is none', () => {
  const rows = reviewRows(PENDING).map(({ property, certified }) => [property, certified]);
  expect(rows).toContainEqual(['Names', 'DNS:device-1']);
  expect(rows).toContainEqual(['Extended key usage', 'none']);
  expect(rows).toContainEqual([
    'Valid',
    `${timeText('2026-01-01T00:00:00Z', 'day')} to ${timeText('2027-01-01T00:00:00Z', 'day')}`,
  ]);
  expect(rows.flat()).not.toContain('Security identifier (SID)');
});

test('what was asked stands beside what will be certified', () => {
  const requested = {
    subject: 'CN=device-1',
    subjectAltNames: ['DNS:device-1', 'email:a@corp.example'],
    sid: 'S-1-5-21-1',
    extendedKeyUsage: [],
  };
  const rows = reviewRows({ ...PENDING, subject: 'CN=device-1,O=Corp', requested });
  const asked = rows.map(({ property, asked, certified }) => [property, asked, certified]);
  expect(asked).toContainEqual(['Subject', 'CN=device-1', 'CN=device-1,O=Corp']);
  expect(asked).toContainEqual(['Names', 'DNS:device-1, email:a@corp.example', 'DNS:device-1']);
  expect(asked).toContainEqual(['Security identifier (SID)', 'S-1-5-21-1', 'none']);
  expect(asked).toContainEqual(['Extended key usage', 'none', 'none']);
  expect(asked).toContainEqual(['Key usage', null, 'digitalSignature']);
});

test('a transaction without anything left to sign has nothing to review', () => {
  expect(reviewRows({ ...PENDING, status: 'ISSUED', publicKeySha256: null })).toEqual([]);
});

test('a change is told by what it was and what it is', () => {
  expect(reviewChanges(PENDING, PENDING)).toEqual([]);
  expect(reviewChanges(PENDING, { ...PENDING, publicKeySha256: 'CC', sid: 'S-1-5' })).toEqual([
    'Security identifier (SID): nothing became S-1-5.',
    'SHA-256 of the key: AA:BB became CC.',
  ]);
  expect(reviewChanges(PENDING, { ...PENDING, status: 'REJECTED' })).toEqual([
    'Its status is now “Rejected”.',
  ]);
});
