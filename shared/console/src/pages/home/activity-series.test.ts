import { expect, test } from 'vitest';

import { chartSeries, isEmpty, periodQuery, PERIODS, totals } from './activity-series';

const item = (enrolments: number, renewals: number, refusals: Record<string, number>) => ({
  from: '2026-03-01T00:00:00Z',
  enrolments,
  renewals,
  refusals,
});

test('periods end with the current hour or day', () => {
  const now = Date.parse('2026-03-10T15:30:00Z');
  const [day, week] = PERIODS;
  expect(periodQuery(day, now)).toEqual({
    by: 'hour',
    from: '2026-03-09T16:00:00.000Z',
    to: '2026-03-10T15:30:00.000Z',
  });
  expect(week && periodQuery(week, now).from).toBe('2026-03-04T00:00:00.000Z');
});

test('rare reasons share a series', () => {
  const refusals = {
    challenge: 9,
    rule: 8,
    lockedOut: 7,
    signature: 6,
    csr: 5,
    denied: 1,
    digest: 1,
  };
  const items = [item(3, 0, refusals), item(0, 2, { denied: 1, envelope: 0 })];
  const series = chartSeries(items);
  expect(series.map(({ counts }) => counts)).toEqual([
    [3, 0],
    [0, 2],
    [9, 0],
    [8, 0],
    [7, 0],
    [6, 0],
    [7, 1],
  ]);
  expect(series.at(2)?.title).toBe('Refused: The challenge is wrong');
  expect(series.at(-1)?.title).toBe('Refused: other reasons');
  expect(totals(items).map(({ total }) => total)).toEqual([3, 2, 9, 8, 7, 6, 5, 2, 1]);
});

test('a time without requests is empty', () => {
  expect(isEmpty([item(0, 0, {}), item(0, 0, { rule: 0 })])).toBe(true);
  expect(isEmpty([item(0, 0, { rule: 1 })])).toBe(false);
});
