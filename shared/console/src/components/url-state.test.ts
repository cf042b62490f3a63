import { expect, test } from 'vitest';

import { usedFilters, withFilters } from './url-state';

test('a changed filter leaves others as they are, and an empty one goes', () => {
  const current = new URLSearchParams('outcome=REFUSED&reason=rule&tab=2');
  expect(withFilters(current, { reason: '', since: '2026-01-01T00:00:00Z' }).toString()).toBe(
    'outcome=REFUSED&tab=2&since=2026-01-01T00%3A00%3A00Z',
  );
  expect(current.get('reason')).toBe('rule');
});

test('empty filters are no parameters', () => {
  expect(usedFilters({ outcome: '', reason: 'rule' })).toEqual({ reason: 'rule' });
});
