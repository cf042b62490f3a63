import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Checkbox from '@cloudscape-design/components/checkbox';
import Form from '@cloudscape-design/components/form';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState, type SyntheticEvent } from 'react';

import { session } from './session';
import { isAccepted, tokenCredentials } from './token';

/** Asks for a token of the local server. */
export function TokenSignIn({ expired }: { expired: boolean }) {
  const [token, setToken] = useState('');
  const [remember, setRemember] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();

  async function signIn(event: SyntheticEvent) {
    event.preventDefault();
    setBusy(true);
    try {
      if (await isAccepted(token.trim())) {
        session.begin(tokenCredentials(token.trim(), remember));
        return;
      }
      setProblem('The server does not know this token, or it was revoked.');
    } catch (error) {
      setProblem(`The server cannot be reached: ${String(error)}`);
    }
    setBusy(false);
  }

  return (
    <form onSubmit={signIn}>
      <Form
        actions={
          <Button variant="primary" loading={busy} disabled={token.trim() === ''}>
            Sign in
          </Button>
        }
      >
        <SpaceBetween size="m">
          {expired && <Box>The server no longer accepts your token. What you typed is kept.</Box>}
          <FormField
            label="API token"
            description="The server printed it at its first start."
            constraintText={
              <>
                Lost? <Box variant="code">scepter token create</Box> makes another one.
              </>
            }
            errorText={problem}
          >
            <Input
              type="password"
              autoComplete="current-password"
              autoFocus
              value={token}
              onChange={({ detail }) => setToken(detail.value)}
            />
          </FormField>
          <Checkbox checked={remember} onChange={({ detail }) => setRemember(detail.checked)}>
            Remember it until this tab is closed
          </Checkbox>
        </SpaceBetween>
      </Form>
    </form>
  );
}
