import { expect, test } from 'vitest';

import { draftOfDuration, durationOf, type DurationDraft } from './duration';

test('a number and a unit become an ISO 8601 duration, and back', () => {
  const cases: [DurationDraft, string][] = [
    [{ amount: '90', unit: 'minutes' }, 'PT90M'],
    [{ amount: '1', unit: 'hours' }, 'PT1H'],
    [{ amount: '7', unit: 'days' }, 'P7D'],
    [{ amount: '2', unit: 'weeks' }, 'P2W'],
    [{ amount: '18', unit: 'months' }, 'P18M'],
    [{ amount: '10', unit: 'years' }, 'P10Y'],
  ];
  for (const [draft, duration] of cases) {
    expect(durationOf(draft)).toBe(duration);
    expect(draftOfDuration(duration)).toEqual(draft);
  }
  expect(durationOf({ amount: ' 1 ', unit: 'hours' })).toBe('PT1H');
});

test('what is typed stays as it is while it is no number', () => {
  for (const amount of ['', 'x', '1.5', '1D']) {
    expect(draftOfDuration(durationOf({ amount, unit: 'days' }))?.amount).toBe(amount);
  }
});

test('a duration of several units is typed in ISO 8601', () => {
  for (const duration of ['P1Y6M', 'P1DT2H', '', 'soon']) {
    expect(draftOfDuration(duration)).toBeUndefined();
  }
});
