import { expect, test } from 'vitest';

import { durationProblem } from './duration';

test('a validity is a whole number of at most 90 days', () => {
  for (const amount of ['', '0', '1.5', '-1', 'x', '1e3']) {
    expect(durationProblem({ amount, unit: 'hours' })).toBeDefined();
  }
  expect(durationProblem({ amount: '90', unit: 'days' })).toBeUndefined();
  expect(durationProblem({ amount: '2161', unit: 'hours' })).toMatch(/90 days/);
});
