import SpaceBetween from '@cloudscape-design/components/space-between';

import { SelectField, TextField } from '../../components/forms/inputs';
import { Section } from '../../components/forms/Section';
import { useAuthorities } from '../../api/queries';
import type { RaProfileDraft } from '../../components/ra-profile/draft';
import { RulesFields } from '../../components/ra-profile/RulesFields';

/** The fields of an RA Profile. */
export function RaProfileFields({
  draft,
  onChange,
  isNew,
}: {
  draft: RaProfileDraft;
  onChange: (draft: RaProfileDraft) => void;
  isNew: boolean;
}) {
  const set = (change: Partial<RaProfileDraft>) => onChange({ ...draft, ...change });
  const authorities = useAuthorities();
  return (
    <SpaceBetween size="l">
      <Section title="Profile">
        <TextField
          label="Name"
          path="name"
          explanation="The name is part of the URL, so it cannot be changed later."
          constraint="1 to 64 letters, digits and - . _ ~"
          disabled={!isNew}
          value={draft.name}
          onChange={(name) => set({ name })}
        />
        <TextField
          label="Description"
          path="description"
          optional
          explanation="It is for administrators; devices do not see it."
          constraint="At most 300 characters"
          value={draft.description}
          onChange={(description) => set({ description })}
        />
        <SelectField
          label="Authority"
          path="authorityUuid"
          explanation="It issues the certificates, and cannot be changed later."
          placeholder="Choose an authority"
          empty="There is none yet: create one first, or use the first run."
          disabled={!isNew}
          choices={(authorities.data ?? []).map(({ uuid, name, certificate }) => ({
            value: uuid,
            label: name,
            description: certificate?.subject ?? 'It waits for its certificate',
          }))}
          value={draft.authorityUuid}
          onChange={(authorityUuid) => set({ authorityUuid })}
        />
      </Section>
      <RulesFields rules={draft.rules} onChange={(rules) => set({ rules })} />
    </SpaceBetween>
  );
}
