import Input from '@cloudscape-design/components/input';
import SegmentedControl from '@cloudscape-design/components/segmented-control';
import SpaceBetween from '@cloudscape-design/components/space-between';

import { Field, type FieldProps } from './Field';
import type { SecretDraft } from './secret';

const CHOICES: { id: SecretDraft['choice']; text: string }[] = [
  { id: 'keep', text: 'Keep the stored one' },
  { id: 'replace', text: 'Replace it' },
  { id: 'clear', text: 'Remove it' },
];

/** A secret that can be set and never seen again. */
export function SecretField({
  value,
  onChange,
  isStored,
  mayClear = false,
  ...field
}: FieldProps & {
  value: SecretDraft;
  onChange: (value: SecretDraft) => void;
  /** Whether the server has one. */
  isStored: boolean;
  /** Whether the object can do without one. */
  mayClear?: boolean;
}) {
  return (
    <Field {...field}>
      <SpaceBetween size="xs">
        {isStored && (
          <SegmentedControl
            label={field.label}
            selectedId={value.choice}
            options={CHOICES.filter(({ id }) => mayClear || id !== 'clear')}
            onChange={({ detail }) => {
              const chosen = CHOICES.find(({ id }) => id === detail.selectedId);
              onChange({ ...value, choice: chosen?.id ?? 'keep' });
            }}
          />
        )}
        {value.choice === 'replace' && (
          <Input
            type="password"
            ariaLabel={field.label}
            autoComplete="new-password"
            spellcheck={false}
            value={value.value}
            onChange={({ detail }) => onChange({ ...value, value: detail.value })}
          />
        )}
      </SpaceBetween>
    </Field>
  );
}
