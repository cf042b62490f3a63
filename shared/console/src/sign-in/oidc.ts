import * as oauth from 'oauth4webapi';

import type { Credentials } from './session';
import type { OidcSettings } from './settings';

/** What must survive the visit to the identity provider. Nothing of it is a token. */
interface Attempt {
  state: string;
  verifier: string;
  /** The path in the console that the user was at. */
  path: string;
}

const KEY = 'scepter.sign-in';

/** A token is refreshed this long before it expires, in milliseconds. */
const MARGIN = 30_000;

const redirectUri = () => `${location.origin}/console/signed-in`;

/** Leaves for the identity provider, which leads back to `/console/signed-in`. */
export async function beginSignIn(settings: OidcSettings, path: string): Promise<void> {
  const attempt: Attempt = {
    state: oauth.generateRandomState(),
    verifier: oauth.generateRandomCodeVerifier(),
    path,
  };
  sessionStorage.setItem(KEY, JSON.stringify(attempt));
  const url = new URL(settings.authorizationEndpoint);
  url.search = new URLSearchParams({
    client_id: settings.clientId,
    redirect_uri: redirectUri(),
    response_type: 'code',
    scope: settings.scope,
    state: attempt.state,
    code_challenge: await oauth.calculatePKCECodeChallenge(attempt.verifier),
    code_challenge_method: 'S256',
  }).toString();
  location.assign(url);
}

/** Exchanges the code in the URL of this page for tokens.
 *  @returns the credentials, their tokens, and the path that the user was at before.
 *  @throws when the provider refused, or the response belongs to no attempt of this tab. */
export async function finishSignIn(
  settings: OidcSettings,
): Promise<{ credentials: Credentials; tokens: oauth.TokenEndpointResponse; path: string }> {
  const stored = sessionStorage.getItem(KEY);
  sessionStorage.removeItem(KEY);
  if (stored === null) {
    throw new Error('This sign-in was not begun in this tab.');
  }
  const attempt = JSON.parse(stored) as Attempt;
  const [server, client] = parties(settings);
  const parameters = oauth.validateAuthResponse(
    server,
    client,
    new URL(location.href),
    attempt.state,
  );
  const response = await oauth.authorizationCodeGrantRequest(
    server,
    client,
    oauth.None(),
    parameters,
    redirectUri(),
    attempt.verifier,
    exchangeOptions(settings),
  );
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, response);
  return { credentials: new OidcCredentials(settings, tokens), tokens, path: attempt.path };
}

/** Credentials from tokens of the identity provider, which refresh themselves. */
export class OidcCredentials implements Credentials {
  readonly #settings: OidcSettings;
  #tokens: oauth.TokenEndpointResponse;
  #expiresAt: number;
  #refresh: Promise<void> | undefined;
  #isRevoked = false;

  constructor(settings: OidcSettings, tokens: oauth.TokenEndpointResponse) {
    this.#settings = settings;
    this.#tokens = tokens;
    this.#expiresAt = expiry(tokens);
  }

  async token(): Promise<string> {
    if (Date.now() > this.#expiresAt - MARGIN && this.#tokens.refresh_token) {
      // Requests that start together share one refresh.
      this.#refresh ??= this.#renew(this.#tokens.refresh_token).finally(() => {
        this.#refresh = undefined;
      });
      await this.#refresh;
    }
    return this.#tokens.access_token;
  }

  get subject(): string | undefined {
    return readSubject(this.#tokens.access_token);
  }

  revoke(): void {
    this.#isRevoked = true;
    const { revocationEndpoint, clientId } = this.#settings;
    if (revocationEndpoint === null || this.#tokens.refresh_token === undefined) {
      return;
    }
    const request = fetch(revocationEndpoint, {
      method: 'POST',
      body: new URLSearchParams({ client_id: clientId, token: this.#tokens.refresh_token }),
      credentials: 'omit',
      // The page may be left meanwhile, and nothing depends on the answer, which providers do not
      // let other origins read.
      keepalive: true,
      mode: 'no-cors',
    });
    request.catch(() => undefined);
  }

  leave(): void {
    const { endSessionEndpoint, clientId } = this.#settings;
    if (endSessionEndpoint !== null) {
      const url = new URL(endSessionEndpoint);
      const home = `${location.origin}/console/`;
      // Cognito names the page to return to `logout_uri`, OpenID Connect otherwise.
      url.searchParams.set('client_id', clientId);
      url.searchParams.set('logout_uri', home);
      url.searchParams.set('post_logout_redirect_uri', home);
      location.assign(url);
    }
  }

  async #renew(refreshToken: string): Promise<void> {
    const [server, client] = parties(this.#settings);
    const response = await oauth.refreshTokenGrantRequest(
      server,
      client,
      oauth.None(),
      refreshToken,
      exchangeOptions(this.#settings),
    );
    const tokens = await oauth.processRefreshTokenResponse(server, client, response);
    // A provider may keep the refresh token or replace it, RFC 6749 §6.
    this.#tokens = { ...tokens, refresh_token: tokens.refresh_token ?? refreshToken };
    this.#expiresAt = expiry(tokens);
    // The session may have ended meanwhile, with the refresh token of before.
    if (this.#isRevoked) {
      this.revoke();
    }
  }
}

/** The subject of a JSON Web Token, RFC 7519; `undefined` for another text. */
export function readSubject(token: string): string | undefined {
  try {
    const payload = token.split('.')[1] ?? '';
    const binary = atob(payload.replaceAll('-', '+').replaceAll('_', '/'));
    const octets = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    const claims: unknown = JSON.parse(new TextDecoder().decode(octets));
    const isObject = typeof claims === 'object' && claims !== null;
    return isObject && 'sub' in claims && typeof claims.sub === 'string' ? claims.sub : undefined;
  } catch {
    return undefined;
  }
}

function parties(settings: OidcSettings): [oauth.AuthorizationServer, oauth.Client] {
  const server = { issuer: settings.issuer, token_endpoint: settings.tokenEndpoint };
  return [server, { client_id: settings.clientId }];
}

/** A provider on this machine, as tests have it, may answer without TLS. */
function exchangeOptions(settings: OidcSettings) {
  const { hostname } = new URL(settings.tokenEndpoint);
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- marked so to be conspicuous
  return { [oauth.allowInsecureRequests]: hostname === '127.0.0.1' || hostname === 'localhost' };
}

function expiry(tokens: oauth.TokenEndpointResponse): number {
  return Date.now() + (tokens.expires_in ?? 300) * 1000;
}
