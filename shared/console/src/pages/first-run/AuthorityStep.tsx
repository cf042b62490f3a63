import Alert from '@cloudscape-design/components/alert';
import SpaceBetween from '@cloudscape-design/components/space-between';

import { DurationField } from '../../components/forms/DurationField';
import { SelectField, TextField } from '../../components/forms/inputs';
import { Section } from '../../components/forms/Section';
import { KEY_ALGORITHMS } from '../../components/key-algorithms';
import { PageLink } from '../../components/PageLink';
import { useAuthorities } from '../../api/queries';
import { AlreadyCreated } from './AlreadyCreated';
import type { AuthorityDraft } from './draft';
import type { StepProps } from './steps';

/** Which authority issues the certificates. */
export function AuthorityStep({ draft, onChange, created }: StepProps) {
  const authorities = useAuthorities();
  const { authority } = draft;
  const set = (change: Partial<AuthorityDraft>) =>
    onChange({
      ...draft,
      authority: { ...authority, ...change },
      // An RA certificate belongs to its authority.
      raCertificate:
        change.uuid === undefined ? draft.raCertificate : { ...draft.raCertificate, uuid: '' },
    });
  if (created.authority) {
    return <AlreadyCreated what={`The authority ${created.authority.name}`} />;
  }
  const usable = (authorities.data ?? []).filter(({ state }) => state === 'ACTIVE');
  return (
    <SpaceBetween size="l">
      <Section title="Which authority issues" description="It signs the certificates of devices.">
        <SelectField
          label="Authority"
          path="authority"
          explanation="An authority that exists, or a new root."
          choices={[
            { value: '', label: 'A new one' },
            ...usable.map(({ uuid, name, certificate }) => ({
              value: uuid,
              label: name,
              description: certificate?.subject,
            })),
          ]}
          value={authority.uuid}
          onChange={(uuid) => set({ uuid })}
        />
        {authority.uuid === '' && (
          <SpaceBetween size="l">
            <TextField
              label="Name"
              path="name"
              explanation="What administrators call it; it is part of the URL of its CRL."
              constraint="1 to 64 letters, digits and - . _ ~"
              value={authority.name}
              onChange={(name) => set({ name })}
            />
            <TextField
              label="Subject"
              path="subject"
              explanation="The name in its certificate, which every certificate shows as its issuer."
              constraint="In the form of RFC 4514, such as CN=Corp Device CA,O=Corp"
              value={authority.subject}
              onChange={(subject) => set({ subject })}
            />
            <SelectField
              label="Key"
              path="keyAlgorithm"
              explanation="The algorithm of its key, with which it signs."
              choices={KEY_ALGORITHMS}
              value={authority.keyAlgorithm}
              onChange={(keyAlgorithm) => set({ keyAlgorithm })}
            />
            <DurationField
              label="Validity"
              path="validity"
              optional
              explanation="How long its certificate is valid; no certificate that it issues lasts longer."
              standard="P10Y"
              value={authority.validity}
              onChange={(validity) => set({ validity })}
            />
          </SpaceBetween>
        )}
      </Section>
      <Alert type="info">
        For an authority below one that you have elsewhere, create a subordinate first, on the page{' '}
        <PageLink to="/authorities/new">Create an authority</PageLink>, and come back.
      </Alert>
    </SpaceBetween>
  );
}
