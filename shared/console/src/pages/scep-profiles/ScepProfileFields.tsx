import SpaceBetween from '@cloudscape-design/components/space-between';

import type { ScepProfileView } from '../../api/schema';
import {
  RadioField,
  SelectField,
  TextField,
  ToggleField,
  type Choice,
} from '../../components/forms/inputs';
import { Section } from '../../components/forms/Section';
import { TokensField } from '../../components/forms/TokensField';
import { useRaCertificates, useRaProfiles } from '../../api/queries';
import { ChallengeSourcesFields } from '../../components/scep-profile/ChallengeSourcesFields';
import type { ScepProfileDraft } from '../../components/scep-profile/draft';
import { scepField } from '../../components/scep-profile/labels';
import { timeText } from '../../components/Time';

const NO_RA_PROFILE = { value: '', label: 'None: only the URLs of RA Profiles work' };

/** The fields of a SCEP Profile. */
export function ScepProfileFields({
  draft,
  onChange,
  saved,
}: {
  draft: ScepProfileDraft;
  onChange: (draft: ScepProfileDraft) => void;
  /** The profile as the server has it; `undefined` for a new one. */
  saved?: ScepProfileView;
}) {
  const set = (change: Partial<ScepProfileDraft>) => onChange({ ...draft, ...change });
  const raCertificates = useRaCertificateChoices();
  const raProfiles = useRaProfiles();
  return (
    <SpaceBetween size="l">
      <Section title="Profile">
        <TextField
          {...scepField('name')}
          explanation="The name is part of the URL, so it cannot be changed later."
          constraint="1 to 64 letters, digits and - . _ ~"
          disabled={saved !== undefined}
          value={draft.name}
          onChange={(name) => set({ name })}
        />
        <TextField
          {...scepField('description')}
          optional
          explanation="It is for administrators; devices do not see it."
          constraint="At most 300 characters"
          value={draft.description}
          onChange={(description) => set({ description })}
        />
        <SelectField
          {...scepField('caCertificateUuid')}
          explanation="Devices encrypt their requests to its key, and the server signs responses with it."
          placeholder="Choose an RA certificate"
          empty="There is none yet: create one on the page of an authority."
          choices={raCertificates}
          value={draft.caCertificateUuid}
          onChange={(caCertificateUuid) => set({ caCertificateUuid })}
        />
        <SelectField
          {...scepField('raProfileUuid')}
          explanation="Its rules decide what is issued at the SCEP Profile’s own URL."
          choices={[
            NO_RA_PROFILE,
            ...(raProfiles.data ?? []).map(({ uuid, name }) => ({ value: uuid, label: name })),
          ]}
          value={draft.raProfileUuid}
          onChange={(raProfileUuid) => set({ raProfileUuid })}
        />
      </Section>
      <ChallengeSourcesFields draft={draft} onChange={onChange} saved={saved} />
      <Section title="Approval and renewal">
        <ToggleField
          {...scepField('requireManualApproval')}
          explanation="Enrolments appear under Requests, to be approved or rejected; renewals do not wait. Default off."
          value={draft.requireManualApproval}
          onChange={(requireManualApproval) => set({ requireManualApproval })}
        />
        <TextField
          {...scepField('renewalThreshold')}
          optional
          inputMode="numeric"
          explanation="The number of days before its expiry from which a device may renew its certificate."
          constraint="0 to 36500 days. Default: in the second half of its lifetime. certmonger needs at least 28."
          placeholder="Second half of the lifetime"
          value={draft.renewalThreshold}
          onChange={(renewalThreshold) => set({ renewalThreshold })}
        />
      </Section>
      <Section
        title="What clients need"
        description="Change these only for devices that need it; “Clients” in the documentation says which do."
      >
        <ToggleField
          {...scepField('allowProxySigner')}
          explanation="For devices that enrol through an MDM, a connector or a proxy. The request’s own signature still proves its key. Default off."
          value={draft.allowProxySigner}
          onChange={(allowProxySigner) => set({ allowProxySigner })}
        />
        <RadioField
          {...scepField('caCertificateForm')}
          explanation="The certificates that devices fetch before they enrol."
          choices={[
            {
              value: 'chain',
              label: 'RA certificate and chain',
              description: 'The default. Windows and strongSwan need the authority’s certificate.',
            },
            {
              value: 'raOnly',
              label: 'RA certificate only',
              description: 'For an EC authority, and for devices that accept one certificate.',
            },
          ]}
          value={draft.caCertificateForm}
          onChange={(caCertificateForm) => set({ caCertificateForm })}
        />
        <ToggleField
          {...scepField('legacyAlgorithms')}
          explanation="Old Cisco IOS, RouterOS 6 and old printers have nothing better. Default on."
          value={draft.legacyAlgorithms}
          onChange={(legacyAlgorithms) => set({ legacyAlgorithms })}
        />
        <ToggleField
          {...scepField('includeCaCertificate')}
          explanation="Cisco’s VPN clients want it, Juniper’s do not. Default off."
          value={draft.includeCaCertificate}
          onChange={(includeCaCertificate) => set({ includeCaCertificate })}
        />
        <ToggleField
          {...scepField('includeCaCertificateChain')}
          explanation="The issuer’s certificate and those above it. Default off."
          value={draft.includeCaCertificateChain}
          onChange={(includeCaCertificateChain) => set({ includeCaCertificateChain })}
        />
      </Section>
      <Section
        title="Records of certificates"
        description="What is written onto the record of each certificate, for those who read the inventory."
      >
        <TextField
          {...scepField('certificateAssociations.owner')}
          optional
          explanation="Who the certificates belong to."
          value={draft.associations.owner ?? ''}
          onChange={(owner) =>
            set({ associations: { ...draft.associations, owner: owner || null } })
          }
        />
        <TokensField
          {...scepField('certificateAssociations.groups')}
          optional
          explanation="The groups that the certificates belong to."
          placeholder="Add a group"
          value={draft.associations.groups}
          onChange={(groups) => set({ associations: { ...draft.associations, groups } })}
        />
      </Section>
    </SpaceBetween>
  );
}

function useRaCertificateChoices(): Choice<string>[] {
  const raCertificates = useRaCertificates();
  return (raCertificates.data ?? []).map(({ uuid, certificate }) => ({
    value: uuid,
    label: certificate.subject,
    description: `Issued by ${certificate.issuer}, until ${timeText(certificate.notAfter, 'day')}`,
  }));
}
