import type { TokenEndpointResponse } from 'oauth4webapi';

import { session } from './session';
import type { OidcSettings } from './settings';

/** What a tab tells the others of the same origin. Nothing that is sent is stored. */
type Message = { kind: 'signed-in'; tokens: TokenEndpointResponse } | { kind: 'signed-out' };

// A tab does not hear what it sends by the same object.
const channel = new BroadcastChannel('scepter.session');

const send = (message: Message) => channel.postMessage(message);

function receive(listener: (message: Message) => void): () => void {
  const hear = ({ data }: MessageEvent<Message>) => listener(data);
  channel.addEventListener('message', hear);
  return () => channel.removeEventListener('message', hear);
}

/** Gives the tokens of a sign-in to the other tabs, whose sessions may have expired. */
export function announceSession(tokens: TokenEndpointResponse): void {
  send({ kind: 'signed-in', tokens });
}

/** Continues an expired session when its person signs in in another tab.
 *  @param onOther - called before another person's session begins here.
 *  @returns a function that stops waiting. */
export function receiveSession(settings: OidcSettings, onOther: () => void): () => void {
  return receive((message) => {
    if (message.kind === 'signed-in') {
      // Loaded when it is needed: those who sign in with a token never need it.
      void import('./oidc').then(({ OidcCredentials }) =>
        session.resume(new OidcCredentials(settings, message.tokens), onOther),
      );
    }
  });
}

/** Signs out here, in the other tabs, and at the identity provider. */
export function signOut(): void {
  send({ kind: 'signed-out' });
  session.end()?.leave();
}

/** Ends the session when another tab signs out.
 *  @returns a function that stops waiting. */
export function receiveSignOut(): () => void {
  return receive((message) => {
    if (message.kind === 'signed-out') {
      session.end();
    }
  });
}
