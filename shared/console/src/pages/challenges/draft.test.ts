import { expect, test } from 'vitest';

import { EMPTY_DRAFT, pairsProblem, requestOf, usesProblem } from './draft';

test('what is left empty is left to the rules', () => {
  expect(requestOf(EMPTY_DRAFT)).toEqual({ validity: 'PT1H' });
});

test('what is typed binds', () => {
  const draft = {
    ...EMPTY_DRAFT,
    note: ' asset 4711 ',
    uses: '3',
    hold: true,
    subject: [
      { name: 'CN', value: 'device-7' },
      { name: 'O', value: ' ' },
    ],
    names: [
      { name: 'dns', value: 'a.example' },
      { name: 'dns', value: 'b.example' },
    ],
    without: ['ip'],
    sid: 'S-1-5-21-1-2-3-4',
    raProfileUuid: 'u',
    transactionId: '2B4F60F1',
  };
  expect(requestOf(draft)).toEqual({
    validity: 'PT1H',
    note: 'asset 4711',
    uses: 3,
    hold: true,
    subject: { CN: 'device-7' },
    subjectAltNames: { dns: ['a.example', 'b.example'], ip: [], sid: 'S-1-5-21-1-2-3-4' },
    raProfileUuid: 'u',
    transactionId: '2B4F60F1',
  });
});

test('uses are at most a hundred, and an attribute is typed once', () => {
  expect(['', '1', '100'].map(usesProblem)).toEqual([undefined, undefined, undefined]);
  expect(['0', '101', '1.5', 'x'].every((uses) => usesProblem(uses))).toBe(true);
  const twice = [
    { name: 'CN', value: 'a' },
    { name: 'cn', value: 'b' },
  ];
  expect(pairsProblem(twice, true)).toMatch(/once/);
  expect(pairsProblem(twice, false)).toBeUndefined();
  expect(pairsProblem([{ name: '', value: 'a' }], false)).toBeDefined();
});
