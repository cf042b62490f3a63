import { expect, test } from 'vitest';

import { differences } from './differences';

const WORDS = {
  labels: {
    validity: 'Validity',
    'subject.required': 'Required attributes',
    'subject.fixed': 'Fixed attributes',
    'webhook.url': 'Webhook URL',
    'webhook.gate': 'Ask about every enrolment',
  },
  wordOf: (path: string, value: string) =>
    path === 'subject.required' && value === 'CN' ? 'Common name' : undefined,
};

test('only fields with other values are differences, by their labels', () => {
  const mine = { name: 'a', validity: 'P1Y', subject: { required: ['CN'], fixed: {} }, draft: 1 };
  const theirs = { name: 'a', validity: 'P2Y', subject: { required: [], fixed: {} }, uuid: 'u' };
  expect(differences(mine, theirs, WORDS)).toEqual([
    { field: 'Validity', mine: 'P1Y', theirs: 'P2Y' },
    { field: 'Required attributes', mine: 'Common name', theirs: 'None' },
  ]);
});

test('a field without a label is called by its path', () => {
  expect(differences({ a: { b: 1 } }, { a: { b: 2 } }, WORDS)).toEqual([
    { field: 'a.b', mine: '1', theirs: '2' },
  ]);
});

test('what only the other version has in a map is a difference too', () => {
  const mine = { subject: { fixed: {} } };
  const theirs = { subject: { fixed: { O: 'Corp' } } };
  expect(differences(mine, theirs, WORDS)).toEqual([
    { field: 'Fixed attributes', mine: 'None', theirs: 'O: Corp' },
  ]);
});

test('the fields of an object that only one version has are differences each', () => {
  const webhook = { url: 'https://a.example', gate: true };
  expect(differences({ webhook: null }, { webhook }, WORDS)).toEqual([
    { field: 'Webhook URL', mine: '–', theirs: 'https://a.example' },
    { field: 'Ask about every enrolment', mine: '–', theirs: 'Yes' },
  ]);
});

test('nothing and an empty text are the same', () => {
  expect(differences({ description: '' }, { description: null }, WORDS)).toEqual([]);
});
