import type { Credentials } from './session';

const KEY = 'scepter.token';

/** The token that the user asked this tab to remember. */
export function rememberedToken(): string | null {
  return sessionStorage.getItem(KEY);
}

/** Credentials from a token of the local server.
 *  @param remember - whether the token survives a reload, in the storage of this tab. */
export function tokenCredentials(token: string, remember: boolean): Credentials {
  if (remember) {
    sessionStorage.setItem(KEY, token);
  } else {
    // The tab may remember the token of an earlier sign-in.
    sessionStorage.removeItem(KEY);
  }
  return {
    subject: undefined,
    token: () => Promise.resolve(token),
    revoke: () => sessionStorage.removeItem(KEY),
    leave: () => undefined,
  };
}

/** Whether the management API accepts a token. */
export async function isAccepted(token: string): Promise<boolean> {
  const headers = { Authorization: `Bearer ${token}` };
  const response = await fetch('/api/v1/caller', { headers, cache: 'no-store' });
  if (!response.ok && response.status !== 401) {
    throw new Error(`The server answered with status ${response.status}.`);
  }
  return response.ok;
}
