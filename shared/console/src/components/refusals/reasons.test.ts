import { readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

import { REFUSAL_REASONS, refusalReason } from './reasons';

/** The codes that the API has for the variants of an enum of the server's. */
function codesOf(file: string, name: string): string[] {
  const source = readFileSync(`../scep-protocol/src/${file}`, 'utf8');
  const body = new RegExp(`pub enum ${name} \\{\\n([^]*?)\\n\\}`).exec(source)?.[1] ?? '';
  return [...body.matchAll(/^ {4}([A-Z])(\w+)/gm)].map(
    ([, first, rest]) => `${first?.toLowerCase() ?? ''}${rest ?? ''}`,
  );
}

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
