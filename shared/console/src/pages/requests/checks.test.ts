import { expect, test } from 'vitest';

import { codesOf } from '../../components/refusals/codes-of-server';
import { CHECK_CODES, checkText } from './checks';

test('every check of the server is explained, and no other', () => {
  const codes = codesOf('check.rs', 'Check');
  expect(codes).toContain('replyEncryption');
  expect([...CHECK_CODES].sort()).toEqual(codes.sort());
});

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
