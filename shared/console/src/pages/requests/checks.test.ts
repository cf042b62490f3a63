import { expect, test } from 'vitest';

import { CHECK_CODES, checkText } from './checks';

test('checks have titles that tell them apart, and sentences that explain them', () => {
  const texts = CHECK_CODES.map(checkText);
  expect(new Set(texts.map(({ title }) => title)).size).toBe(CHECK_CODES.length);
  for (const { explanation } of texts) {
    expect(explanation).toMatch(/^[A-Zm].*\.$/);
  }
});

test('a check of a later server is readable', () => {
  expect(checkText('deviceHealth')).toEqual({ title: 'Device health', explanation: '' });
});
