import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import FormField from '@cloudscape-design/components/form-field';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Textarea from '@cloudscape-design/components/textarea';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { useDenial } from '../../api/caller';
import { api, body, type Versioned } from '../../api/client';
import { ApiError, otherReasons } from '../../api/errors';
import type { TransactionView } from '../../api/schema';
import { ActionButton } from '../../components/ActionButton';
import { ConfirmDialog } from '../../components/ConfirmDialog';
import { useNotify } from '../../components/notifications';
import { reviewChanges } from './review';

type Reviewed = Versioned<TransactionView>;

const MAX_REASON = 200;

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
  const [isRejecting, setRejecting] = useState(false);
  const [reason, setReason] = useState('');
  const { object: transaction, etag } = reviewed;
  const path = { uuid: transaction.uuid };

  /** Reloads what somebody changed, and says what it was. */
  async function explainChange(error: unknown) {
    if (error instanceof ApiError && (error.isConflict || error.status === 428)) {
      const now = await reload();
      setChanges(now ? reviewChanges(transaction, now.object) : []);
    }
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

  const approval = useMutation({
    mutationFn: () =>
      body(
        api.POST('/api/v1/scepTransactions/{uuid}/approve', {
          params: { path, header: { 'If-Match': etag } },
        }),
      ),
    onError: explainChange,
    onSuccess: () =>
      conclude('The request is approved. The device gets its certificate at its next poll.'),
  });

  async function reject() {
    try {
      await body(
        api.POST('/api/v1/scepTransactions/{uuid}/reject', {
          params: { path, header: { 'If-Match': etag } },
          body: { reason: reason.trim() || null },
        }),
      );
    } catch (error) {
      await explainChange(error);
      throw error;
    }
    await conclude('The request is rejected. The device learns it at its next poll.');
  }

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
        {approval.isError && !hasChanged && (
          <Alert type="error" header="It was not approved">
            {otherReasons(approval.error, []).map((text) => (
              <div key={text}>{text}</div>
            ))}
          </Alert>
        )}
        <SpaceBetween direction="horizontal" size="xs">
          <ActionButton
            variant="primary"
            denial={denial}
            busy={approval.isPending}
            onClick={() => approval.mutate()}
          >
            Approve
          </ActionButton>
          <ActionButton denial={denial} onClick={() => setRejecting(true)}>
            Reject
          </ActionButton>
        </SpaceBetween>
      </SpaceBetween>
      {isRejecting && (
        <ConfirmDialog
          title="Reject the request?"
          verb="Reject"
          act={reject}
          onClose={() => setRejecting(false)}
        >
          <Box>The device gets no certificate. Its transactionID may be used again.</Box>
          <FormField
            label="Reason"
            description="The device gets it as failInfoText, and shows or logs it."
            constraintText={`Optional; ${reason.length} of at most ${MAX_REASON} characters.`}
            errorText={reason.length > MAX_REASON && 'This is too long.'}
          >
            <Textarea value={reason} onChange={({ detail }) => setReason(detail.value)} />
          </FormField>
        </ConfirmDialog>
      )}
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
