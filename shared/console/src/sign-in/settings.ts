/** How people sign in, as the server that serves the console says in `sign-in.json`. */
export type SignInSettings = { method: 'token' } | OidcSettings;

/** Authorization code with PKCE at an identity provider (RFC 6749, RFC 7636). */
export interface OidcSettings {
  method: 'oidc';
  issuer: string;
  authorizationEndpoint: string;
  tokenEndpoint: string;
  endSessionEndpoint: string | null;
  revocationEndpoint: string | null;
  clientId: string;
  scope: string;
}

/** Reads how people sign in. */
export async function readSignInSettings(): Promise<SignInSettings> {
  const response = await fetch('/console/sign-in.json', { cache: 'no-store' });
  if (!response.ok) {
    throw new Error(`The server answered with status ${response.status}.`);
  }
  return (await response.json()) as SignInSettings;
}
