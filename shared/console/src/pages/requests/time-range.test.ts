import { expect, test } from 'vitest';

import { pickerValue, rangeOf, rangeProblem } from './time-range';

const NOW = Date.parse('2026-03-10T12:00:00Z');

test('a time in the zone of the user becomes one in UTC', () => {
  const startDate = '2026-03-01T00:00:00+01:00';
  const endDate = '2026-03-02T00:00:00+01:00';
  expect(rangeOf({ type: 'absolute', startDate, endDate }, NOW)).toEqual({
    since: '2026-02-28T23:00:00.000Z',
    until: '2026-03-01T23:00:00.000Z',
  });
  expect(rangeOf({ type: 'relative', amount: 7, unit: 'day' }, NOW)).toEqual({
    since: '2026-03-03T12:00:00.000Z',
    until: '',
  });
  expect(rangeOf(null, NOW)).toEqual({ since: '', until: '' });
});

test('a range without an end reaches to now', () => {
  expect(pickerValue({ since: '', until: '' }, NOW)).toBeNull();
  expect(pickerValue({ since: '2026-03-01T00:00:00Z', until: '' }, NOW)?.endDate).toBe(
    '2026-03-10T12:00:00.000Z',
  );
});

test('a range must have two ends in their order', () => {
  const problem = (startDate: string, endDate: string) =>
    rangeProblem({ type: 'absolute', startDate, endDate });
  expect(problem('2026-03-01T00:00:00Z', '')).toMatch(/beginning and the end/);
  expect(problem('2026-03-02T00:00:00Z', '2026-03-01T00:00:00Z')).toMatch(/after/);
  expect(problem('2026-03-01T00:00:00Z', '2026-03-02T00:00:00Z')).toBeUndefined();
});
