import { expect, test } from 'vitest';

import { differences } from './differences';

test('only fields with other values are differences', () => {
  const mine = { name: 'a', validity: 'P1Y', subject: { required: ['CN'], fixed: {} }, draft: 1 };
  const theirs = { name: 'a', validity: 'P2Y', subject: { required: [], fixed: {} }, uuid: 'u' };
  expect(differences(mine, theirs)).toEqual([
    { field: 'validity', mine: 'P1Y', theirs: 'P2Y' },
    { field: 'subject.required', mine: '["CN"]', theirs: '[]' },
  ]);
});

test('nothing and an empty text are the same', () => {
  expect(differences({ description: '' }, { description: null })).toEqual([]);
});
