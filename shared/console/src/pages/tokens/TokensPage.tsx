import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import CopyToClipboard from '@cloudscape-design/components/copy-to-clipboard';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { useDenial } from '../../api/caller';
import { api, body } from '../../api/client';
import { ApiError } from '../../api/errors';
import type { NewToken, Token } from '../../api/schema';
import { ActionButton } from '../../components/ActionButton';
import { ConfirmDialog } from '../../components/ConfirmDialog';
import { LeaveWarning } from '../../components/LeaveGuard';
import { LocalTable } from '../../components/LocalTable';
import { useNotify } from '../../components/notifications';
import { Page } from '../../components/Page';
import { Time } from '../../components/Time';
import { NewTokenDialog } from './NewTokenDialog';

/** The tokens of the local server. */
export function TokensPage() {
  const query = useQuery({
    queryKey: ['tokens'],
    queryFn: async () => (await body(api.GET('/api/v1/tokens'))).items,
  });
  const isElsewhere = query.error instanceof ApiError && query.error.status === 404;
  return (
    <Page title="Tokens" description="By which programs and people use the API of a local server.">
      {isElsewhere ? (
        <Alert type="info" header="This server has no tokens">
          Tokens exist on a local server only. In AWS, people and programs sign in at the identity
          provider, which gives them their scopes.
        </Alert>
      ) : (
        <Tokens query={query} />
      )}
    </Page>
  );
}

function Tokens({ query }: { query: ReturnType<typeof useQuery<Token[]>> }) {
  const denial = useDenial('write');
  const [isCreating, setCreating] = useState(false);
  const [created, setCreated] = useState<NewToken>();
  const [revoked, setRevoked] = useState<Token>();
  return (
    <>
      <LocalTable<Token>
        title="API tokens"
        description="The server keeps only a hash of each. Revoked ones stay in the list."
        query={query}
        idOf={(token) => token.id}
        nameOf={(token) => token.name}
        textOf={(token) => `${token.name} ${token.id} ${token.scopes.join(' ')}`}
        actions={
          <ActionButton variant="primary" denial={denial} onClick={() => setCreating(true)}>
            Create token
          </ActionButton>
        }
        empty="There is none. Create one for each program that uses the API."
        columns={[
          {
            id: 'name',
            header: 'Name',
            isRowHeader: true,
            minWidth: 140,
            sortingField: 'name',
            cell: (token) => token.name,
          },
          { id: 'id', header: 'Id', minWidth: 130, cell: (token) => token.id },
          {
            id: 'scopes',
            header: 'Scopes',
            minWidth: 160,
            cell: (token) => token.scopes.join(', '),
          },
          {
            id: 'created',
            header: 'Created',
            minWidth: 180,
            sortingField: 'createdAt',
            cell: (token) => <Time value={token.createdAt} />,
          },
          { id: 'state', header: 'State', minWidth: 180, cell: (token) => <State token={token} /> },
          {
            id: 'actions',
            header: 'Actions',
            minWidth: 140,
            cell: (token) =>
              token.revokedAt ? null : (
                <ActionButton denial={denial} onClick={() => setRevoked(token)}>
                  Revoke
                </ActionButton>
              ),
          },
        ]}
      />
      {isCreating && <NewTokenDialog onCreated={setCreated} onClose={() => setCreating(false)} />}
      {created && <CreatedDialog token={created} onClose={() => setCreated(undefined)} />}
      {revoked && <RevokeDialog token={revoked} onClose={() => setRevoked(undefined)} />}
    </>
  );
}

function State({ token }: { token: Token }) {
  return token.revokedAt ? (
    <StatusIndicator type="stopped">
      Revoked, <Time value={token.revokedAt} dateOnly />
    </StatusIndicator>
  ) : (
    <StatusIndicator type="success">Valid</StatusIndicator>
  );
}

/** Shows the value of a new token, which leaves the page with this dialog. */
function CreatedDialog({ token, onClose }: { token: NewToken; onClose: () => void }) {
  return (
    <Modal
      visible
      header={`Token ${token.name}`}
      onDismiss={onClose}
      footer={
        <Box float="right">
          <Button variant="primary" onClick={onClose}>
            I have kept it
          </Button>
        </Box>
      }
    >
      <LeaveWarning>The token is shown this once, and is lost when you leave it.</LeaveWarning>
      <SpaceBetween size="m">
        <Alert type="warning">
          It is shown this once. Whoever has it may do what its scopes allow (
          {token.scopes.join(', ')}); keep it as you keep passwords.
        </Alert>
        <SpaceBetween size="xs">
          <Box variant="code">{token.token}</Box>
          <CopyToClipboard
            textToCopy={token.token}
            copyButtonText="Copy token"
            copySuccessText="Copied"
            copyErrorText="Your browser did not allow it"
          />
        </SpaceBetween>
      </SpaceBetween>
    </Modal>
  );
}

function RevokeDialog({ token, onClose }: { token: Token; onClose: () => void }) {
  const client = useQueryClient();
  const notify = useNotify();
  async function revoke() {
    await body(api.DELETE('/api/v1/tokens/{id}', { params: { path: { id: token.id } } }));
    await client.invalidateQueries({ queryKey: ['tokens'] });
    notify.succeed(`Token ${token.name} was revoked.`);
  }
  return (
    <ConfirmDialog
      title={`Revoke token ${token.name}?`}
      verb="Revoke"
      act={revoke}
      onClose={onClose}
    >
      <Box>
        The next request with it is refused. If it is the one you signed in with, you have to sign
        in again. A token cannot be made valid again.
      </Box>
    </ConfirmDialog>
  );
}
