import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { useDenial } from '../../api/caller';
import { api, body, type Versioned } from '../../api/client';
import { ApiError } from '../../api/errors';
import type { TransactionView } from '../../api/schema';
import { ActionButton } from '../../components/ActionButton';
import { ConfirmDialog } from '../../components/ConfirmDialog';
import { useNotify } from '../../components/notifications';
import { RejectDialog } from './RejectDialog';
import { reviewChanges, reviewRows } from './review';

type Reviewed = Versioned<TransactionView>;

/** Approves or rejects the request that was reviewed, and no other version of it. */
export function Decision({
  reviewed,
  reload,
}: {
  reviewed: Reviewed;
  reload: () => Promise<Reviewed | undefined>;
}) {
  const denial = useDenial('approve');
  const notify = useNotify();
  const queryClient = useQueryClient();
  const [changes, setChanges] = useState<string[]>();
  const [decision, setDecision] = useState<'approve' | 'reject'>();
  const { object: transaction, etag } = reviewed;

  /** Reloads what somebody changed, and says what it was. */
  async function explainChange() {
    const now = await reload();
    setChanges(now ? reviewChanges(transaction, now.object) : []);
  }

  async function conclude(message: string) {
    notify.succeed(message);
    setChanges(undefined);
    await Promise.all(
      [['transactions'], ['scepRequests'], ['certificates'], ['statistics']].map((queryKey) =>
        queryClient.invalidateQueries({ queryKey }),
      ),
    );
  }

  const params = { path: { uuid: transaction.uuid }, header: { 'If-Match': etag } };

  async function decide(send: () => Promise<unknown>, message: string) {
    try {
      await send();
    } catch (error) {
      if (!isChange(error)) {
        throw error;
      }
      await explainChange();
      return;
    }
    await conclude(message);
  }

  const approve = () =>
    decide(
      () => body(api.POST('/api/v1/scepTransactions/{uuid}/approve', { params })),
      'The request is approved. The device gets its certificate at its next poll.',
    );

  const reject = (reason: string | null) =>
    decide(
      () => body(api.POST('/api/v1/scepTransactions/{uuid}/reject', { params, body: { reason } })),
      'The request is rejected. The device learns it at its next poll.',
    );

  const close = () => setDecision(undefined);
  const hasChanged = changes !== undefined;
  if (transaction.status !== 'PENDING') {
    return hasChanged && <ChangeAlert changes={changes} />;
  }
  return (
    <Container
      header={
        <Header
          variant="h2"
          description="The device waits, and asks again every few minutes. It may replace its request until it is decided."
        >
          Decision
        </Header>
      }
    >
      <SpaceBetween size="m">
        {hasChanged && <ChangeAlert changes={changes} />}
        {transaction.sid && (
          <Alert type="warning" header="The certificate will have a security identifier">
            Where Active Directory trusts the authority, the device can log on as the account{' '}
            {transaction.sid}.
          </Alert>
        )}
        <SpaceBetween direction="horizontal" size="xs">
          <ActionButton variant="primary" denial={denial} onClick={() => setDecision('approve')}>
            Approve
          </ActionButton>
          <ActionButton denial={denial} onClick={() => setDecision('reject')}>
            Reject
          </ActionButton>
        </SpaceBetween>
      </SpaceBetween>
      {decision === 'approve' && (
        <ConfirmDialog title="Approve the request?" verb="Approve" act={approve} onClose={close}>
          <Box>A certificate is issued at once. It can be revoked, but not taken back.</Box>
          <KeyValuePairs
            items={reviewRows(transaction)
              .filter(({ identifies }) => identifies)
              .map(({ property, certified }) => ({ label: property, value: certified }))}
          />
        </ConfirmDialog>
      )}
      {decision === 'reject' && <RejectDialog reject={reject} onClose={close} />}
    </Container>
  );
}

/** Whether somebody changed the request since it was read. */
function isChange(error: unknown): boolean {
  return error instanceof ApiError && (error.isConflict || error.status === 428);
}

/** Says that what was reviewed is no longer what there is. */
function ChangeAlert({ changes }: { changes: string[] }) {
  return (
    <Alert type="warning" header="It changed while you looked at it, and was not decided">
      {changes.length > 0
        ? changes.map((change) => <div key={change}>{change}</div>)
        : 'The change is in none of what is shown here.'}
      <div>This page shows the request as it is now: look at it again.</div>
    </Alert>
  );
}
