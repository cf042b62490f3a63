import { expect, test } from 'vitest';

import { codesOf } from './codes-of-server';
import { REFUSAL_REASONS, refusalReason } from './reasons';

test('every reason of the server is explained, and no other', () => {
  const codes = [
    ...codesOf('refusal.rs', 'Refusal'),
    ...codesOf('availability.rs', 'Unavailable'),
    'unreadableMessage',
  ];
  expect(codes).toContain('challengeMissing');
  expect(codes).toContain('raProfileDisabled');
  expect([...REFUSAL_REASONS.keys()].sort()).toEqual(codes.sort());
});

test('titles tell reasons apart, and advice consists of sentences', () => {
  const titles = [...REFUSAL_REASONS.values()].map(({ title }) => title);
  expect(new Set(titles).size).toBe(titles.length);
  for (const { title, advice } of REFUSAL_REASONS.values()) {
    expect(title).not.toMatch(/[.:]$/);
    expect(advice).toMatch(/\.$/);
  }
});

test('a reason of a later server is readable', () => {
  expect(refusalReason('clockWentBackwards').title).toBe('Clock went backwards');
});
