import { expect, test } from 'vitest';

import { secretValue, untouchedSecret } from './secret';

test('a secret is kept, replaced or cleared', () => {
  expect(secretValue(untouchedSecret(true))).toBeUndefined();
  expect(secretValue(untouchedSecret(false))).toBeUndefined();
  expect(secretValue({ choice: 'replace', value: 's' })).toBe('s');
  expect(secretValue({ choice: 'clear', value: 'typed before' })).toBeNull();
});
