import { expect, test } from 'vitest';

import { durationOf, durationProblem } from './duration';

test('a number and a unit become an ISO 8601 duration', () => {
  expect(durationOf({ amount: '90', unit: 'minutes' })).toBe('PT90M');
  expect(durationOf({ amount: ' 1 ', unit: 'hours' })).toBe('PT1H');
  expect(durationOf({ amount: '7', unit: 'days' })).toBe('P7D');
});

test('a validity is a whole number of at most 90 days', () => {
  for (const amount of ['', '0', '1.5', '-1', 'x', '1e3']) {
    expect(durationProblem({ amount, unit: 'hours' })).toBeDefined();
  }
  expect(durationProblem({ amount: '90', unit: 'days' })).toBeUndefined();
  expect(durationProblem({ amount: '2161', unit: 'hours' })).toMatch(/90 days/);
});
