import { expect, test } from 'vitest';

import { choices, scopesAmong } from './scopes';

test('a token cannot have a scope that its maker lacks', () => {
  const enabled = choices(['read', 'challenge']).filter((choice) => !('disabled' in choice));
  expect(enabled.map(({ value }) => value)).toEqual(['read', 'challenge']);
});

test('only scopes are scopes', () => {
  expect(scopesAmong(['write', 'admin', undefined, 'read'])).toEqual(['read', 'write']);
});
