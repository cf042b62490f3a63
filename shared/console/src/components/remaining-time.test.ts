import { expect, test } from 'vitest';

import { remainingTime } from './remaining-time';

const HOUR = 3_600_000;

test('a time is told in its largest whole unit', () => {
  expect(remainingTime(30.9 * 24 * HOUR)).toBe('in 30 days');
  expect(remainingTime(47 * HOUR)).toBe('in 47 hours');
  expect(remainingTime(HOUR / 2)).toBe('in 30 minutes');
  expect(remainingTime(10)).toBe('in 0 minutes');
  expect(remainingTime(-72 * HOUR)).toBe('3 days ago');
});
