import Input from '@cloudscape-design/components/input';
import { useState } from 'react';

import { durationInWords } from '../durations';
import { draftOfDuration, durationOf, type DurationUnit } from './duration';
import { DurationInput } from './DurationInput';
import { Field, type FieldProps } from './Field';

const UNITS: DurationUnit[] = ['minutes', 'hours', 'days', 'weeks', 'months', 'years'];

/** A length of time, as an ISO 8601 duration. */
export function DurationField({
  value,
  onChange,
  standard,
  constraint,
  ...field
}: FieldProps & {
  /** Empty for the default. */
  value: string;
  onChange: (value: string) => void;
  /** The default. */
  standard: string;
  /** The limits, in a sentence. */
  constraint?: string;
}) {
  const standardDraft = draftOfDuration(standard);
  const draft = draftOfDuration(value);
  const [unit, setUnit] = useState<DurationUnit>(draft?.unit ?? standardDraft?.unit ?? 'days');
  const limits = `Default: ${durationInWords(standard) ?? standard}. ${constraint ?? ''}`;
  if (value !== '' && draft === undefined) {
    // One of several units, such as P1Y6M, that was set by the API.
    return (
      <Field {...field} constraint={`An ISO 8601 duration. ${limits}`}>
        <Input value={value} spellcheck={false} onChange={({ detail }) => onChange(detail.value)} />
      </Field>
    );
  }
  return (
    <Field {...field} constraint={limits}>
      <DurationInput
        label={field.label}
        units={UNITS}
        value={draft ?? { amount: '', unit }}
        placeholder={unit === standardDraft?.unit ? standardDraft.amount : undefined}
        onChange={(next) => {
          setUnit(next.unit);
          onChange(next.amount.trim() === '' ? '' : durationOf(next));
        }}
      />
    </Field>
  );
}
