import { expect, test } from 'vitest';

import type { ServerStatus } from '../../api/schema';
import { crlHealth, healthItems, healthUntil } from './health';

const NOW = Date.parse('2026-03-01T00:00:00Z');

test('what expires is a warning and then an error', () => {
  const at = (end: string) => healthUntil(end, { warning: 30, error: 7 }, NOW);
  expect(at('2026-06-01T00:00:00Z')).toEqual({ type: 'success', text: 'Expires in 92 days' });
  expect(at('2026-03-31T00:00:00Z').type).toBe('warning');
  expect(at('2026-03-08T00:00:00Z').type).toBe('error');
  expect(at('2026-02-26T00:00:00Z')).toEqual({ type: 'error', text: 'Expired 3 days ago' });
});

test('a CRL is healthy until its successor is overdue', () => {
  const at = (now: string) =>
    crlHealth('2026-03-01T00:00:00Z', '2026-03-08T00:00:00Z', Date.parse(now)).type;
  expect(at('2026-03-04T12:00:00Z')).toBe('success');
  expect(at('2026-03-06T00:00:00Z')).toBe('warning');
  expect(at('2026-03-07T12:00:00Z')).toBe('error');
  expect(at('2026-03-09T00:00:00Z')).toBe('error');
});

/** As the API responds. */
const STATUS = `{
  "authorities": [
    { "uuid": "a", "name": "root", "state": "ACTIVE", "notAfter": "2036-01-01T00:00:00Z",
      "nextState": "AWAITING_CERTIFICATE",
      "crl": { "number": 7, "thisUpdate": "2026-02-20T00:00:00Z",
               "nextUpdate": "2026-02-27T00:00:00Z" } },
    { "uuid": "b", "name": "sub", "state": "AWAITING_CERTIFICATE", "notAfter": null,
      "nextState": null, "crl": null }
  ],
  "raCertificates": [
    { "uuid": "c", "authorityUuid": "a", "subject": "CN=RA", "notAfter": "2026-03-20T00:00:00Z" }
  ],
  "endpoints": []
}`;

test('what needs attention comes first', () => {
  const status = JSON.parse(STATUS) as ServerStatus;
  expect(
    healthItems(status, NOW).map(({ kind, name, health }) => [kind, name, health.text]),
  ).toEqual([
    ['CRL', 'root, number 7', 'Expired 2 days ago'],
    ['RA certificate', 'CN=RA', 'Expires in 19 days'],
    ['Authority', 'sub', 'Awaits its certificate'],
    ['Authority', 'root', 'Expires in 3,593 days; its next key awaits a certificate'],
  ]);
});
