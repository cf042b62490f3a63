import { beforeEach, describe, expect, it, vi } from 'vitest';

import { rememberedToken, tokenCredentials } from './token';

describe('the token that a tab remembers', () => {
  beforeEach(() => {
    const items = new Map<string, string>();
    vi.stubGlobal('sessionStorage', {
      getItem: (key: string) => items.get(key) ?? null,
      setItem: (key: string, value: string) => items.set(key, value),
      removeItem: (key: string) => items.delete(key),
    });
  });

  it('is that of the last sign-in, if it was to be remembered', () => {
    tokenCredentials('first', true);
    expect(rememberedToken()).toBe('first');
    tokenCredentials('second', true);
    expect(rememberedToken()).toBe('second');
    tokenCredentials('third', false);
    expect(rememberedToken()).toBeNull();
  });

  it('is forgotten when the session ends', () => {
    tokenCredentials('first', true).revoke();
    expect(rememberedToken()).toBeNull();
  });
});
