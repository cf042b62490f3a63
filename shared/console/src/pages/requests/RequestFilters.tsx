import DateRangePicker from '@cloudscape-design/components/date-range-picker';
import FormField from '@cloudscape-design/components/form-field';
import Grid from '@cloudscape-design/components/grid';
import Input from '@cloudscape-design/components/input';
import { useState } from 'react';

import { ChoiceSelect } from '../../components/ChoiceSelect';
import { useScepProfiles } from '../../api/queries';
import { REFUSAL_REASONS } from '../../components/refusals/reasons';
import { OUTCOME_CHOICES } from './outcomes';
import { pickerValue, rangeOf, rangeProblem, RELATIVE_RANGES } from './time-range';

/** The names of the filters, in the page's URL as in the API. */
export const FILTER_NAMES = [
  'outcome',
  'reason',
  'scepProfileUuid',
  'transactionId',
  'since',
  'until',
] as const;

export type RequestFilters = Record<(typeof FILTER_NAMES)[number], string>;

const REASON_CHOICES = [...REFUSAL_REASONS]
  .map(([value, { title }]) => ({ value, label: title }))
  .sort((a, b) => a.label.localeCompare(b.label));

/** The inputs that narrow the list of requests down. */
export function RequestFilterInputs({
  filters,
  onChange,
}: {
  filters: RequestFilters;
  onChange: (change: Partial<RequestFilters>) => void;
}) {
  const profiles = useScepProfiles();
  return (
    <Grid
      gridDefinition={[
        { colspan: { default: 12, xs: 6, s: 2 } },
        { colspan: { default: 12, xs: 6, s: 3 } },
        { colspan: { default: 12, xs: 6, s: 2 } },
        { colspan: { default: 12, xs: 6, s: 2 } },
        { colspan: { default: 12, s: 3 } },
      ]}
    >
      <ChoiceSelect
        label="Outcome"
        any="Any outcome"
        value={filters.outcome}
        choices={OUTCOME_CHOICES}
        onChange={(outcome) => onChange({ outcome })}
      />
      <ChoiceSelect
        label="Reason"
        any="Any reason"
        value={filters.reason}
        choices={REASON_CHOICES}
        onChange={(reason) => onChange({ reason })}
      />
      <ChoiceSelect
        label="SCEP Profile"
        any="Any profile"
        value={filters.scepProfileUuid}
        choices={(profiles.data ?? []).map(({ uuid, name }) => ({ value: uuid, label: name }))}
        busy={profiles.isPending}
        onChange={(scepProfileUuid) => onChange({ scepProfileUuid })}
      />
      <TransactionIdInput
        key={filters.transactionId}
        value={filters.transactionId}
        onChange={(transactionId) => onChange({ transactionId })}
      />
      <TimeInput filters={filters} onChange={onChange} />
    </Grid>
  );
}

/** A transactionID is searched for when it is typed whole, as the API matches it whole. */
function TransactionIdInput({
  value,
  onChange,
}: {
  value: string;
  onChange: (value: string) => void;
}) {
  const [typed, setTyped] = useState(value);
  const search = () => typed.trim() !== value && onChange(typed.trim());
  return (
    <FormField label="transactionID" stretch>
      <Input
        type="search"
        value={typed}
        placeholder="Whole transactionID"
        clearAriaLabel="Clear the transactionID"
        onChange={({ detail }) => {
          setTyped(detail.value);
          if (detail.value === '') {
            onChange('');
          }
        }}
        onBlur={search}
        onKeyDown={({ detail }) => detail.key === 'Enter' && search()}
      />
    </FormField>
  );
}

function TimeInput({
  filters,
  onChange,
}: {
  filters: RequestFilters;
  onChange: (change: Partial<RequestFilters>) => void;
}) {
  // The end of an open range is the time at which the page was opened.
  const [opened] = useState(() => Date.now());
  return (
    <FormField label="Time" stretch>
      <DateRangePicker
        value={pickerValue(filters, opened)}
        relativeOptions={RELATIVE_RANGES}
        placeholder="Any time"
        isValidRange={(value) => {
          const errorMessage = rangeProblem(value);
          return errorMessage === undefined ? { valid: true } : { valid: false, errorMessage };
        }}
        hideTimeOffset
        onChange={({ detail }) => onChange(rangeOf(detail.value, Date.now()))}
      />
    </FormField>
  );
}
