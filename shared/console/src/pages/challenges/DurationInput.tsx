import Grid from '@cloudscape-design/components/grid';
import Input from '@cloudscape-design/components/input';
import Select from '@cloudscape-design/components/select';

import { DURATION_UNITS, type DurationDraft } from './duration';

/** A length of time: a number and its unit. */
export function DurationInput({
  label,
  value,
  onChange,
}: {
  label: string;
  value: DurationDraft;
  onChange: (value: DurationDraft) => void;
}) {
  return (
    <Grid gridDefinition={[{ colspan: 5 }, { colspan: 7 }]}>
      <Input
        value={value.amount}
        ariaLabel={`${label}, number`}
        inputMode="numeric"
        onChange={({ detail }) => onChange({ ...value, amount: detail.value })}
      />
      <Select
        selectedOption={{ value: value.unit, label: value.unit }}
        options={DURATION_UNITS.map((unit) => ({ value: unit, label: unit }))}
        ariaLabel={`${label}, unit`}
        onChange={({ detail }) => {
          const unit = DURATION_UNITS.find((unit) => unit === detail.selectedOption.value);
          onChange({ ...value, unit: unit ?? value.unit });
        }}
      />
    </Grid>
  );
}
