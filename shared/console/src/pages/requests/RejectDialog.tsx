import Box from '@cloudscape-design/components/box';
import FormField from '@cloudscape-design/components/form-field';
import Textarea from '@cloudscape-design/components/textarea';
import { useState } from 'react';

import { ConfirmDialog } from '../../components/ConfirmDialog';

const MAX_REASON = 200;

/** Asks for the reason of a rejection, which the device gets. */
export function RejectDialog({
  reject,
  onClose,
}: {
  reject: (reason: string | null) => Promise<unknown>;
  onClose: () => void;
}) {
  const [reason, setReason] = useState('');
  return (
    <ConfirmDialog
      title="Reject the request?"
      verb="Reject"
      act={() => reject(reason.trim() || null)}
      onClose={() => onClose()}
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
  );
}
