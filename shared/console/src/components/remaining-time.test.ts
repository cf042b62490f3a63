import { expect, test } from 'vitest';

import { DAY, expiryText, HOUR, isDue, remainingTime } from './remaining-time';

test('a time is told in its largest whole unit', () => {
  expect(remainingTime(30.9 * DAY)).toBe('in 30 days');
  expect(remainingTime(47 * HOUR)).toBe('in 47 hours');
  expect(remainingTime(HOUR / 2)).toBe('in 30 minutes');
  expect(remainingTime(10)).toBe('in 0 minutes');
  expect(remainingTime(-72 * HOUR)).toBe('3 days ago');
});

test('an expiry is told before and after it', () => {
  expect(expiryText(3652.5 * DAY)).toBe('expires in 3,652 days');
  expect(expiryText(-72 * HOUR)).toBe('expired 3 days ago');
});

test('a certificate is due in the last third of its life', () => {
  const now = Date.parse('2026-03-10T00:00:00Z');
  const due = (notBefore: string, notAfter: string) =>
    isDue(notBefore, notAfter, 30, Date.parse(notAfter) - now);
  expect(due('2026-03-09T00:00:00Z', '2026-03-12T00:00:00Z')).toBe(false);
  expect(due('2026-03-07T23:00:00Z', '2026-03-11T00:00:00Z')).toBe(true);
  expect(due('2025-05-01T00:00:00Z', '2026-05-01T00:00:00Z')).toBe(false);
  expect(due('2025-04-01T00:00:00Z', '2026-04-01T00:00:00Z')).toBe(true);
  expect(due('2025-01-01T00:00:00Z', '2026-01-01T00:00:00Z')).toBe(true);
});
