import { afterEach, describe, expect, it, vi } from 'vitest';

import { OidcCredentials, readSubject } from './oidc';
import type { OidcSettings } from './settings';

const SETTINGS: OidcSettings = {
  method: 'oidc',
  issuer: 'https://idp.example',
  authorizationEndpoint: 'https://idp.example/authorize',
  tokenEndpoint: 'https://idp.example/token',
  endSessionEndpoint: null,
  revocationEndpoint: 'https://idp.example/revoke',
  clientId: 'console',
  scope: 'openid',
};

/** A token with these claims. */
function writeToken(claims: string): string {
  return `e30.${Buffer.from(claims).toString('base64url')}.c2ln`;
}

describe('readSubject', () => {
  it.each([
    ['{"sub":"1"}', '1'],
    // It has `-` and `_` in base64url.
    ['{"sub":"Jürgen 🚀 ÿþ?>"}', 'Jürgen 🚀 ÿþ?>'],
    ['{"sub":1}', undefined],
    ['{}', undefined],
    ['null', undefined],
    ['"sub"', undefined],
    ['{', undefined],
  ])('of a token with %s', (claims, subject) => {
    expect(readSubject(writeToken(claims))).toBe(subject);
  });

  it.each(['', 'opaque', 'a.b.c', 'a.!.c'])('of %j', (token) => {
    expect(readSubject(token)).toBeUndefined();
  });
});

describe('credentials of a provider', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  /** Revokes credentials. Returns the requests by their URLs and bodies. */
  function revoke(settings: OidcSettings, refreshToken?: string): [string, string][] {
    const sent: [string, string][] = [];
    const send = (url: string, { body }: { body: URLSearchParams }) => {
      sent.push([url, body.toString()]);
      return Promise.resolve(new Response());
    };
    vi.stubGlobal('fetch', send);
    const tokens = { access_token: writeToken('{"sub":"1"}'), token_type: 'bearer' as const };
    const refreshable =
      refreshToken === undefined ? tokens : { ...tokens, refresh_token: refreshToken };
    const credentials = new OidcCredentials(settings, refreshable);
    expect(credentials.subject).toBe('1');
    credentials.revoke();
    return sent;
  }

  it('are revoked by their refresh token', () => {
    expect(revoke(SETTINGS, 'secret')).toEqual([
      ['https://idp.example/revoke', 'client_id=console&token=secret'],
    ]);
  });

  it('are only forgotten without a refresh token or an endpoint', () => {
    expect(revoke(SETTINGS)).toEqual([]);
    expect(revoke({ ...SETTINGS, revocationEndpoint: null }, 'secret')).toEqual([]);
  });
});
