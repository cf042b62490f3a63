import { expect, test } from 'vitest';

import { algorithmText, KEY_ALGORITHMS } from './key-algorithms';

test('keys of the server and of devices are called alike', () => {
  for (const { value, label } of KEY_ALGORITHMS) {
    expect(algorithmText(value)).toBe(label);
  }
  expect(algorithmText('RSA_1024')).toBe('RSA 1024');
  expect(algorithmText('Ed25519')).toBe('Ed25519');
});
