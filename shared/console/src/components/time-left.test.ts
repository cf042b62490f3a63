import { expect, test } from 'vitest';

import { DAY, expiryType, HOUR, remainingTime, warningTime } from './time-left';

test('a time from now is told in its largest whole unit', () => {
  expect([12.9 * DAY, 47 * HOUR, 90_000].map(remainingTime)).toEqual([
    'in 12 days',
    'in 47 hours',
    'in 1 minute',
  ]);
  expect(remainingTime(-3 * HOUR)).toBe('3 hours ago');
});

test('what has a short life is due in its last third only', () => {
  const [from, end] = ['2026-03-01T00:00:00Z', '2026-03-31T00:00:00Z'];
  expect(warningTime(end, 30)).toBe(30 * DAY);
  expect(warningTime(end, 30, from)).toBe(10 * DAY);
  expect(warningTime('2027-03-01T00:00:00Z', 30, from)).toBe(30 * DAY);
});

test('what ended is an error, and what ends soon is a warning', () => {
  expect([-1, 0, DAY, 10 * DAY].map((left) => expiryType(left, 10 * DAY))).toEqual([
    'error',
    'error',
    'warning',
    'success',
  ]);
});
