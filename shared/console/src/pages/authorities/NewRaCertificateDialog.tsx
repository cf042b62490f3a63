import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { api, body } from '../../api/client';
import { reasonsAbout } from '../../api/errors';
import type { AuthorityView, KeyAlgorithm } from '../../api/schema';
import { FormDialog } from '../../components/FormDialog';
import { useNotify } from '../../components/notifications';
import { AlgorithmField, ValidityField } from './KeyFields';
import { listOf, orDefault } from './texts';

interface Draft {
  commonName: string;
  keyAlgorithm: KeyAlgorithm;
  extendedKeyUsage: string;
  validity: string;
}

const FIELDS = ['commonName', 'keyAlgorithm', 'extendedKeyUsage', 'validity'];

/** Creates an RA certificate. */
export function NewRaCertificateDialog({
  authority,
  onClose,
}: {
  authority: AuthorityView;
  onClose: () => void;
}) {
  const client = useQueryClient();
  const notify = useNotify();
  const [draft, setDraft] = useState<Draft>({
    commonName: '',
    keyAlgorithm: 'RSA_2048',
    extendedKeyUsage: 'serverAuth',
    validity: '',
  });
  async function save() {
    await body(
      api.POST('/api/v1/authorities/{authorityUuid}/raCertificates', {
        params: { path: { authorityUuid: authority.uuid } },
        body: {
          commonName: draft.commonName,
          keyAlgorithm: draft.keyAlgorithm,
          extendedKeyUsage: listOf(draft.extendedKeyUsage),
          validity: orDefault(draft.validity),
        },
      }),
    );
    await client.invalidateQueries({ queryKey: ['authorities'] });
    await client.invalidateQueries({ queryKey: ['status'] });
    notify.succeed(`RA certificate ${draft.commonName} was created.`);
  }
  return (
    <FormDialog
      title="Create RA certificate"
      verb="Create"
      fields={FIELDS}
      save={save}
      onClose={onClose}
    >
      {(error) => (
        <SpaceBetween size="l">
          <FormField
            label="Common name"
            description="The CN of its subject, which clients show."
            errorText={reasonsAbout(error, 'commonName')}
          >
            <Input
              autoFocus
              value={draft.commonName}
              placeholder="Corp Device RA"
              onChange={({ detail }) => setDraft({ ...draft, commonName: detail.value })}
            />
          </FormField>
          <AlgorithmField
            rsaOnly
            algorithm={draft.keyAlgorithm}
            onChange={(keyAlgorithm) => setDraft({ ...draft, keyAlgorithm })}
            error={error}
          />
          <FormField
            label="Extended key usage"
            description="Windows enrols only with an RA certificate that has one; leave it empty for none. Its renewals keep it."
            constraintText="Names or OIDs, separated by commas. Default: serverAuth."
            errorText={reasonsAbout(error, 'extendedKeyUsage')}
          >
            <Input
              value={draft.extendedKeyUsage}
              placeholder="None"
              onChange={({ detail }) => setDraft({ ...draft, extendedKeyUsage: detail.value })}
            />
          </FormField>
          <ValidityField
            value={draft.validity}
            onChange={(validity) => setDraft({ ...draft, validity })}
            standard="P2Y"
            description="How long it is valid; never longer than the authority’s own certificate."
          />
        </SpaceBetween>
      )}
    </FormDialog>
  );
}
