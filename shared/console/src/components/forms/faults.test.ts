import { expect, test } from 'vitest';

import { ApiError } from '../../api/errors';
import {
  durationFault,
  emptyFault,
  faultError,
  nameFault,
  rangeFault,
  refuseFaults,
} from './faults';

test('everything that is wrong is said at once', () => {
  const faults = [
    nameFault('name', ''),
    emptyFault('url', 'x', 'Enter a URL.'),
    rangeFault('days', '9', [0, 3]),
  ];
  expect(faultError(faults)?.reasons).toEqual([
    'name: Enter a name.',
    'days: Enter a whole number from 0 to 3.',
  ]);
  expect(() => refuseFaults(faults)).toThrow(ApiError);
  expect(() => refuseFaults([undefined])).not.toThrow();
});

test('an empty field stands for its default', () => {
  expect(rangeFault('days', ' ', [1, 3])).toBeUndefined();
  expect(durationFault('validity', '')).toBeUndefined();
});

test('a name is one that a URL can contain', () => {
  expect(nameFault('name', 'a~b.c-D_1')).toBeUndefined();
  expect(nameFault('name', 'a b')).toContain('letters, digits');
  expect(nameFault('name', 'a'.repeat(65))).toContain('64');
});

test('a duration is one of ISO 8601 that is not nothing', () => {
  for (const text of ['P90D', 'PT8H', 'P1Y6M', 'P1DT2H', 'P2W']) {
    expect(durationFault('validity', text)).toBeUndefined();
  }
  for (const text of ['P', 'PT', '90', 'PxD', 'P0D', 'P1H', 'P-1D', 'P1DT']) {
    expect(durationFault('validity', text)).toContain('whole number');
  }
});
