import { expect, test } from 'vitest';

import { flatValues } from './flat-values';

test('every leaf is shown by its path, and nothing that is empty', () => {
  const value = {
    subject: { CN: 'device-7', O: '' },
    types: ['dns', 'ip'],
    chain: [{ pem: 'a' }, { pem: 'b' }],
    enabled: false,
    number: 0,
    webhook: null,
    none: [],
  };
  expect([...flatValues(value)]).toEqual([
    ['subject.CN', 'device-7'],
    ['types', 'dns, ip'],
    ['chain[0].pem', 'a'],
    ['chain[1].pem', 'b'],
    ['enabled', 'no'],
    ['number', '0'],
  ]);
});
