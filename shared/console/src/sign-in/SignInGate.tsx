import Alert from '@cloudscape-design/components/alert';
import Modal from '@cloudscape-design/components/modal';
import { Fragment, useEffect, useState, useSyncExternalStore, type ReactNode } from 'react';

import { receiveSignOut, signOut } from './handover';
import { OidcSignIn } from './OidcSignIn';
import { session } from './session';
import { readSignInSettings, type SignInSettings } from './settings';
import { SignInPage } from './SignInPage';
import { rememberedToken, tokenCredentials } from './token';
import { TokenSignIn } from './TokenSignIn';

/** Shows the console to those who are signed in. A session that expires is renewed in a dialog over
 *  the page, so that nothing typed is lost. */
export function SignInGate({ children }: { children: ReactNode }) {
  const state = useSyncExternalStore(session.subscribe, () => session.state);
  const handovers = useSyncExternalStore(session.subscribe, () => session.handovers);
  const [settings, setSettings] = useState<SignInSettings>();
  const [problem, setProblem] = useState<string>();
  useEffect(receiveSignOut, []);
  useEffect(() => {
    readSignInSettings().then(
      (read) => {
        const token = read.method === 'token' ? rememberedToken() : null;
        if (token !== null && session.state === 'signed-out') {
          session.begin(tokenCredentials(token, true));
        }
        setSettings(read);
      },
      (error: unknown) => setProblem(String(error)),
    );
  }, []);

  if (state !== 'signed-out') {
    return (
      <>
        <Fragment key={handovers}>{children}</Fragment>
        {state === 'expired' && settings && (
          <Modal
            visible
            header="Sign in again"
            onDismiss={({ detail }) => {
              // A slip of the finger on Escape must not throw away what was typed.
              if (detail.reason === 'closeButton') {
                signOut();
              }
            }}
          >
            <SignIn settings={settings} expired />
          </Modal>
        )}
      </>
    );
  }
  return (
    <SignInPage>
      {problem !== undefined && (
        <Alert type="error" header="The server cannot be reached">
          {problem}
        </Alert>
      )}
      {settings && <SignIn settings={settings} expired={false} />}
    </SignInPage>
  );
}

function SignIn({ settings, expired }: { settings: SignInSettings; expired: boolean }) {
  return settings.method === 'token' ? (
    <TokenSignIn expired={expired} />
  ) : (
    <OidcSignIn settings={settings} expired={expired} />
  );
}
