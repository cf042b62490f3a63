import Alert from '@cloudscape-design/components/alert';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { useDenial } from '../../api/caller';
import { api, body, type Versioned } from '../../api/client';
import { ApiError } from '../../api/errors';
import type { TransactionView } from '../../api/schema';
import { ActionButton } from '../../components/ActionButton';
import { useNotify } from '../../components/notifications';
import { ApproveDialog, SidWarning } from './ApproveDialog';
import { RejectDialog } from './RejectDialog';
import { reviewChanges } from './review';

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
  const [dialog, setDialog] = useState<'approve' | 'reject'>();
  const { object: transaction, etag } = reviewed;
  const params = { path: { uuid: transaction.uuid }, header: { 'If-Match': etag } };

  /** Decides, or says what somebody changed in the meantime. */
  async function decide(request: Promise<unknown>, message: string) {
    try {
      await request;
    } catch (error) {
      if (!(error instanceof ApiError && (error.isConflict || error.status === 428))) {
        throw error;
      }
      const now = await reload();
      setChanges(now ? reviewChanges(transaction, now.object) : []);
      return;
    }
    notify.succeed(message);
    setChanges(undefined);
    await Promise.all(
      [['transactions'], ['scepRequests'], ['certificates'], ['statistics']].map((queryKey) =>
        queryClient.invalidateQueries({ queryKey }),
      ),
    );
  }

  function approve() {
    return decide(
      body(api.POST('/api/v1/scepTransactions/{uuid}/approve', { params })),
      'The request is approved. The device gets its certificate at its next poll.',
    );
  }

  function reject(reason: string | null) {
    return decide(
      body(api.POST('/api/v1/scepTransactions/{uuid}/reject', { params, body: { reason } })),
      'The request is rejected. The device learns it at its next poll.',
    );
  }

  const hasChanged = changes !== undefined;
  if (transaction.status !== 'PENDING') {
    return hasChanged && <ChangeAlert changes={changes} />;
  }
  const close = () => setDialog(undefined);
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
        <SidWarning transaction={transaction} />
        <SpaceBetween direction="horizontal" size="xs">
          <ActionButton variant="primary" denial={denial} onClick={() => setDialog('approve')}>
            Approve
          </ActionButton>
          <ActionButton denial={denial} onClick={() => setDialog('reject')}>
            Reject
          </ActionButton>
        </SpaceBetween>
      </SpaceBetween>
      {dialog === 'approve' && (
        <ApproveDialog transaction={transaction} approve={approve} onClose={close} />
      )}
      {dialog === 'reject' && <RejectDialog reject={reject} onClose={close} />}
    </Container>
  );
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
