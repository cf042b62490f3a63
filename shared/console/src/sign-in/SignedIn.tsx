import Alert from '@cloudscape-design/components/alert';
import Button from '@cloudscape-design/components/button';
import Spinner from '@cloudscape-design/components/spinner';
import { useEffect, useRef, useState } from 'react';
import { useNavigate } from 'react-router';

import { announceSession } from './handover';
import { session } from './session';
import { readSignInSettings } from './settings';
import { SignInPage } from './SignInPage';

/** The page to which the identity provider leads back. */
export function SignedIn() {
  const navigate = useNavigate();
  const [problem, setProblem] = useState<string>();
  const begun = useRef(false);
  useEffect(() => {
    // A code may be exchanged once, and effects run twice in development.
    if (begun.current) {
      return;
    }
    begun.current = true;
    completeSignIn().then(
      (path) => navigate(path, { replace: true }),
      (error: unknown) => setProblem(error instanceof Error ? error.message : String(error)),
    );
  }, [navigate]);

  return (
    <SignInPage>
      {problem === undefined ? (
        <Spinner size="large" />
      ) : (
        <Alert
          type="error"
          header="You are not signed in"
          action={<Button href="/console/">Try again</Button>}
        >
          {problem}
        </Alert>
      )}
    </SignInPage>
  );
}

/** Begins a session by the code in the URL.
 *  @returns the path that the user was at before. */
async function completeSignIn(): Promise<string> {
  const settings = await readSignInSettings();
  if (settings.method !== 'oidc') {
    throw new Error('This server has no identity provider.');
  }
  const { finishSignIn } = await import('./oidc');
  const { credentials, tokens, path } = await finishSignIn(settings);
  announceSession(tokens);
  session.begin(credentials);
  return path;
}
