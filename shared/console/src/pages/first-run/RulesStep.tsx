import ExpandableSection from '@cloudscape-design/components/expandable-section';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Tiles from '@cloudscape-design/components/tiles';
import { use } from 'react';

import { Field } from '../../components/forms/Field';
import { TextField } from '../../components/forms/inputs';
import { FormProblems } from '../../components/forms/problems';
import { Section } from '../../components/forms/Section';
import { RulesFields } from '../../components/ra-profile/RulesFields';
import { AlreadyCreated } from './AlreadyCreated';
import { PRESETS } from './presets';
import type { StepProps } from './steps';

/** What may be issued. */
export function RulesStep({ draft, onChange, created }: StepProps) {
  const { error } = use(FormProblems);
  if (created.raProfileUuid !== undefined) {
    return <AlreadyCreated what={`The RA Profile ${draft.raProfileName}`} />;
  }
  return (
    <SpaceBetween size="l">
      <Section
        title="RA Profile"
        description="The rules for certificates. A kind of device fills them in; you can change each."
      >
        <Field
          label="Kind of device"
          path="preset"
          explanation="It sets the rules below and the challenge sources of the next step."
        >
          <Tiles
            value={draft.preset}
            columns={2}
            items={PRESETS.map(({ id, label, description }) => ({ value: id, label, description }))}
            onChange={({ detail }) => {
              const preset = PRESETS.find(({ id }) => id === detail.value);
              if (preset) {
                const { id, rules, sources } = preset;
                const scepProfile = { ...draft.scepProfile, sources };
                onChange({ ...draft, preset: id, rules, scepProfile });
              }
            }}
          />
        </Field>
        <TextField
          label="Name"
          path="name"
          explanation="The name of the RA Profile is part of its URL, so it cannot be changed later."
          constraint="1 to 64 letters, digits and - . _ ~"
          value={draft.raProfileName}
          onChange={(raProfileName) => onChange({ ...draft, raProfileName })}
        />
      </Section>
      <ExpandableSection
        headerText="All rules"
        headerDescription="Validity, keys, subject, names and usage, with their defaults."
        defaultExpanded={error !== undefined}
      >
        <RulesFields rules={draft.rules} onChange={(rules) => onChange({ ...draft, rules })} />
      </ExpandableSection>
    </SpaceBetween>
  );
}
