import type { TokenEndpointResponse } from 'oauth4webapi';

import { OidcCredentials } from './oidc';
import { session } from './session';
import type { OidcSettings } from './settings';

/** Pages of this origin in the same browser. Nothing that is sent here is stored. */
const CHANNEL = 'scepter.session';

/** Gives the tokens of a sign-in to the other tabs, whose sessions may have expired. */
export function announceSession(tokens: TokenEndpointResponse): void {
  const channel = new BroadcastChannel(CHANNEL);
  channel.postMessage(tokens);
  channel.close();
}

/** Begins a session when another tab signs in.
 *  @returns a function that stops waiting. */
export function receiveSession(settings: OidcSettings): () => void {
  const channel = new BroadcastChannel(CHANNEL);
  channel.onmessage = ({ data }: MessageEvent<TokenEndpointResponse>) =>
    session.begin(new OidcCredentials(settings, data));
  return () => channel.close();
}
