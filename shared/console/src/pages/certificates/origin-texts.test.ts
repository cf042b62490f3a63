import { expect, test } from 'vitest';

import { attributePairs, sourceText } from './origin-texts';

test('what vouched is told in words', () => {
  expect(sourceText({ challengeSource: 'INTUNE' })).toBe('Intune.');
  expect(sourceText({ challengeSource: 'LATER' })).toBe('LATER');
  expect(sourceText({ predecessorUuid: 'a' })).toContain('renewed');
  expect(sourceText({})).toContain('approved');
});

test('an attribute is shown by its reference, or else its value', () => {
  const content = [{ data: 7, reference: 'seven' }, { data: { a: 1 } }, { data: 'x' }];
  expect(attributePairs([{ name: 'n', content }, { name: 'none' }])).toEqual([
    { label: 'n', value: 'seven, {"a":1}, x' },
    { label: 'none', value: '–' },
  ]);
});
