import FormField from '@cloudscape-design/components/form-field';
import Select from '@cloudscape-design/components/select';

/** A value that can be chosen, and how it is called. */
export interface Choice {
  value: string;
  label: string;
  description?: string;
}

/** Chooses one value of a list, or none.
 *  @param any - what no choice means. */
export function ChoiceSelect({
  label,
  any,
  value,
  choices,
  busy = false,
  onChange,
}: {
  label: string;
  any?: string;
  value: string;
  choices: Choice[];
  busy?: boolean;
  onChange: (value: string) => void;
}) {
  const options = any === undefined ? choices : [{ value: '', label: any }, ...choices];
  // A value of the URL that is not in the list is shown as it is, once the list is known.
  const selected =
    options.find((option) => option.value === value) ??
    (value === '' ? null : { value, label: busy ? 'Loading…' : value });
  return (
    <FormField label={label} stretch>
      <Select
        selectedOption={selected}
        options={options}
        filteringType={options.length > 10 ? 'auto' : 'none'}
        filteringAriaLabel={`Filter ${label}`}
        statusType={busy ? 'loading' : 'finished'}
        placeholder="Choose one"
        empty="There is nothing to choose."
        onChange={({ detail }) => onChange(detail.selectedOption.value ?? '')}
      />
    </FormField>
  );
}
