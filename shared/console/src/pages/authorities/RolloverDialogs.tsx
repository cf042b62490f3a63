import Box from '@cloudscape-design/components/box';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { api, body } from '../../api/client';
import type { AuthorityView, KeyAlgorithm } from '../../api/schema';
import { ConfirmDialog } from '../../components/ConfirmDialog';
import { FormDialog } from '../../components/FormDialog';
import { useNotify } from '../../components/notifications';
import { KeyFields, ValidityField } from './KeyFields';
import { orDefault } from './texts';

/** Asks for what counts once, and begins a rollover. */
export function BeginRolloverDialog({
  authority,
  onClose,
}: {
  authority: AuthorityView;
  onClose: () => void;
}) {
  const client = useQueryClient();
  const notify = useNotify();
  const [draft, setDraft] = useState<{
    keyAlgorithm: KeyAlgorithm;
    keyArn: string;
    validity: string;
  }>({ keyAlgorithm: authority.keyAlgorithm, keyArn: '', validity: '' });
  const isRoot = authority.kind === 'ROOT';
  async function begin() {
    await body(
      api.POST('/api/v1/authorities/{uuid}/rollover', {
        params: { path: { uuid: authority.uuid } },
        body: {
          keyAlgorithm: draft.keyAlgorithm,
          keyArn: orDefault(draft.keyArn),
          validity: isRoot ? orDefault(draft.validity) : undefined,
        },
      }),
    );
    await client.invalidateQueries({ queryKey: ['authorities'] });
    await client.invalidateQueries({ queryKey: ['status'] });
    notify.succeed(`The rollover of ${authority.name} has begun.`);
  }
  return (
    <FormDialog
      title={`Begin the rollover of ${authority.name}`}
      verb="Begin rollover"
      fields={['keyAlgorithm', 'keyArn', 'validity']}
      save={begin}
      onClose={onClose}
    >
      {(error) => (
        <SpaceBetween size="l">
          <Box>
            The next key is created now,{' '}
            {isRoot
              ? 'with its certificate, and is announced to clients that ask.'
              : 'with a request that another CA signs.'}{' '}
            A rollover that has begun cannot be cancelled or changed.
          </Box>
          <KeyFields draft={draft} onChange={setDraft} error={error} />
          {isRoot && (
            <ValidityField
              value={draft.validity}
              onChange={(validity) => setDraft({ ...draft, validity })}
              standard="P10Y"
              description="How long the next certificate is valid."
            />
          )}
        </SpaceBetween>
      )}
    </FormDialog>
  );
}

/** Says what devices will see, and makes the next generation current. */
export function ActivateRolloverDialog({
  authority,
  onClose,
}: {
  authority: AuthorityView;
  onClose: () => void;
}) {
  const client = useQueryClient();
  const notify = useNotify();
  async function activate() {
    await body(
      api.POST('/api/v1/authorities/{uuid}/rollover/activate', {
        params: { path: { uuid: authority.uuid } },
      }),
    );
    await client.invalidateQueries({ queryKey: ['authorities'] });
    await client.invalidateQueries({ queryKey: ['status'] });
    notify.succeed(`The next generation of ${authority.name} is current.`);
  }
  return (
    <ConfirmDialog
      title={`Activate the next generation of ${authority.name}?`}
      verb="Activate"
      act={activate}
      onClose={onClose}
    >
      <Box>What devices see from then on:</Box>
      <ul>
        <li>GetCACert returns the next certificates; the fingerprints that they compare change.</li>
        <li>Every new certificate, renewals included, is issued by the next key.</li>
        <li>
          Verifiers need the next CA certificate. Those that trust only the former one refuse new
          certificates.
        </li>
        <li>Certificates that were issued before stay valid until they expire, with their CRL.</li>
      </ul>
      <Box>There is no way back.</Box>
    </ConfirmDialog>
  );
}
