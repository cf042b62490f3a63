import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useEffect, useState } from 'react';
import { useNavigate } from 'react-router';

import { WITHOUT_ASKING } from '../components/LeaveGuard';
import { receiveSession } from './handover';
import type { OidcSettings } from './settings';

/** Leads to the identity provider. */
export function OidcSignIn({ settings, expired }: { settings: OidcSettings; expired: boolean }) {
  const [problem, setProblem] = useState<string>();
  const navigate = useNavigate();
  useEffect(
    () =>
      expired ? receiveSession(settings, () => void navigate('/', WITHOUT_ASKING)) : undefined,
    [settings, expired, navigate],
  );

  const signIn = () => {
    const path = `${location.pathname}${location.search}`.replace(/^\/console/, '') || '/';
    import('./oidc')
      .then(({ beginSignIn }) => beginSignIn(settings, path))
      .catch((error: unknown) => setProblem(String(error)));
  };
  return (
    <SpaceBetween size="m">
      {problem !== undefined && <Alert type="error">{problem}</Alert>}
      {expired ? (
        <SpaceBetween size="m">
          <Box>
            Your session has expired. Sign in in another tab; this page then goes on, with what you
            typed.
          </Box>
          <Button variant="primary" href="/console/" target="_blank" iconName="external">
            Sign in
          </Button>
        </SpaceBetween>
      ) : (
        <SpaceBetween size="m">
          <Box>You sign in at {new URL(settings.issuer).host}.</Box>
          <Button variant="primary" onClick={signIn}>
            Sign in
          </Button>
        </SpaceBetween>
      )}
    </SpaceBetween>
  );
}
