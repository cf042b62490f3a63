import SpaceBetween from '@cloudscape-design/components/space-between';

import { TextField, ToggleField } from '../../components/forms/inputs';
import { Section } from '../../components/forms/Section';
import { ChallengeSourcesFields } from '../../components/scep-profile/ChallengeSourcesFields';
import type { ScepProfileDraft } from '../../components/scep-profile/draft';
import { AlreadyCreated } from './AlreadyCreated';
import type { StepProps } from './steps';

/** The SCEP endpoint, and who vouches for devices there. */
export function ScepStep({ draft, onChange, created }: StepProps) {
  const { scepProfile } = draft;
  const set = (change: Partial<ScepProfileDraft>) =>
    onChange({ ...draft, scepProfile: { ...scepProfile, ...change } });
  if (created.scepProfile) {
    return <AlreadyCreated what={`The SCEP Profile ${created.scepProfile.name}`} />;
  }
  return (
    <SpaceBetween size="l">
      <Section title="Endpoint" description="The URL that devices use.">
        <TextField
          label="Name"
          path="name"
          explanation="The name is part of the URL, so it cannot be changed later."
          constraint="1 to 64 letters, digits and - . _ ~"
          value={scepProfile.name}
          onChange={(name) => set({ name })}
        />
        <ToggleField
          label="Every enrolment waits for an administrator"
          path="requireManualApproval"
          explanation="Enrolments appear under Requests, to be approved or rejected; renewals do not wait. Default off."
          value={scepProfile.requireManualApproval}
          onChange={(requireManualApproval) => set({ requireManualApproval })}
        />
      </Section>
      <ChallengeSourcesFields
        draft={scepProfile}
        onChange={(changed) => onChange({ ...draft, scepProfile: changed })}
      />
    </SpaceBetween>
  );
}
