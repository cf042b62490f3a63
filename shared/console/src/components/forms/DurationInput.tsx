import Grid from '@cloudscape-design/components/grid';
import Input from '@cloudscape-design/components/input';
import Select from '@cloudscape-design/components/select';

import type { DurationDraft, DurationUnit } from './duration';

/** A length of time: a number and its unit. */
export function DurationInput({
  label,
  value,
  units,
  placeholder,
  onChange,
}: {
  label: string;
  value: DurationDraft;
  units: DurationUnit[];
  /** The number that an empty input stands for. */
  placeholder?: string;
  onChange: (value: DurationDraft) => void;
}) {
  return (
    <Grid gridDefinition={[{ colspan: 5 }, { colspan: 7 }]}>
      <Input
        value={value.amount}
        ariaLabel={`${label}, number`}
        placeholder={placeholder}
        inputMode="numeric"
        onChange={({ detail }) => onChange({ ...value, amount: detail.value })}
      />
      <Select
        selectedOption={{ value: value.unit, label: value.unit }}
        options={units.map((unit) => ({ value: unit, label: unit }))}
        ariaLabel={`${label}, unit`}
        expandToViewport
        onChange={({ detail }) => {
          const chosen = units.find((unit) => unit === detail.selectedOption.value);
          onChange({ ...value, unit: chosen ?? value.unit });
        }}
      />
    </Grid>
  );
}
