import { expect, test } from 'vitest';

import { changesBetween, shortened } from './changes';

test('only what differs is a change', () => {
  const before = { name: 'a', enabled: false, scep: { profile: 'x' } };
  const after = { name: 'a', enabled: true, types: ['dns'] };
  expect(changesBetween(before, after)).toEqual([
    { field: 'enabled', before: 'no', after: 'yes' },
    { field: 'scep.profile', before: 'x', after: undefined },
    { field: 'types', before: undefined, after: 'dns' },
  ]);
  expect(changesBetween(null, { name: 'a' })).toEqual([
    { field: 'name', before: undefined, after: 'a' },
  ]);
  expect(changesBetween(after, after)).toEqual([]);
});

test('a long text is shortened, and a short one is not', () => {
  expect(shortened('a'.repeat(160))).toBe('a'.repeat(160));
  expect(shortened('a'.repeat(2000))).toBe(`${'a'.repeat(140)}… (2,000 characters)`);
});
