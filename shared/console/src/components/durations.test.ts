import { expect, test } from 'vitest';

import { durationInWords } from './durations';

test('durations are shown in words', () => {
  expect(durationInWords('P365D')).toBe('365 days');
  expect(durationInWords('P1Y2M')).toBe('1 year 2 months');
  expect(durationInWords(' pt1h30m ')).toBe('1 hour 30 minutes');
});

test('what is no duration is not guessed at', () => {
  for (const text of ['', 'P', 'PT', '90', '90 days', 'P1.5D', 'P-1D']) {
    expect(durationInWords(text)).toBeUndefined();
  }
});
