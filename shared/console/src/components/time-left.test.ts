import { expect, test } from 'vitest';

import { expiryText, expiryType } from './time-left';

const HOUR = 3_600_000;

test('the time until an end is told in a unit that fits', () => {
  expect(expiryText(10)).toBe('less than an hour left');
  expect(expiryText(HOUR)).toBe('1 hour left');
  expect(expiryText(47.9 * HOUR)).toBe('47 hours left');
  expect(expiryText(48 * HOUR)).toBe('2 days left');
  expect(expiryText(3652.5 * 24 * HOUR)).toBe('3,652 days left');
  expect(expiryText(-72 * HOUR)).toBe('ended 3 days ago');
});

test('an end is marked before it comes', () => {
  expect(expiryType(0, 30)).toBe('error');
  expect(expiryType(29 * 24 * HOUR, 30)).toBe('warning');
  expect(expiryType(30 * 24 * HOUR, 30)).toBe('success');
});
