import Box from '@cloudscape-design/components/box';
import Checkbox from '@cloudscape-design/components/checkbox';
import FormField from '@cloudscape-design/components/form-field';
import Select from '@cloudscape-design/components/select';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { api, body } from '../../api/client';
import type { CertificateView } from '../../api/schema';
import { ConfirmDialog } from '../../components/ConfirmDialog';
import { useNotify } from '../../components/notifications';
import { REASONS, revokedText } from './revocation';

/** Asks for the reason, and revokes a certificate with what renewed it. */
export function RevokeDialog({
  certificate,
  onClose,
}: {
  certificate: CertificateView;
  onClose: () => void;
}) {
  const client = useQueryClient();
  const notify = useNotify();
  const [draft, setDraft] = useState({ reason: 'unspecified', successors: true });

  async function revoke() {
    const revoked = await body(
      api.POST('/api/v1/certificates/{uuid}/revoke', {
        params: { path: { uuid: certificate.uuid } },
        body: draft,
      }),
    );
    await client.invalidateQueries({ queryKey: ['certificates'] });
    notify.succeed(revokedText(revoked));
  }

  return (
    <ConfirmDialog
      title="Revoke the certificate?"
      verb="Revoke"
      act={revoke}
      onClose={() => onClose()}
    >
      <Box>
        The CRL will list <Box variant="strong">{certificate.subject || 'the certificate'}</Box> at
        once; verifiers learn of it when they next fetch the CRL. It can no longer be renewed, and
        its key is never certified again: the device enrols with a new key. This cannot be undone.
      </Box>
      <FormField label="Reason" description="The CRL tells it to everybody.">
        <Select
          options={REASONS}
          selectedOption={REASONS.find(({ value }) => value === draft.reason) ?? null}
          expandToViewport
          onChange={({ detail }) =>
            setDraft({ ...draft, reason: detail.selectedOption.value ?? 'unspecified' })
          }
        />
      </FormField>
      <Checkbox
        checked={draft.successors}
        description="Whoever had its key may have renewed it. Leave them valid only if you know who did."
        onChange={({ detail }) => setDraft({ ...draft, successors: detail.checked })}
      >
        Also revoke its successors, direct and indirect
      </Checkbox>
    </ConfirmDialog>
  );
}
