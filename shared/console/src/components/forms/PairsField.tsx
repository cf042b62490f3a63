import AttributeEditor from '@cloudscape-design/components/attribute-editor';
import Autosuggest from '@cloudscape-design/components/autosuggest';
import Input from '@cloudscape-design/components/input';

import { Field, type FieldProps } from './Field';
import type { Pair } from './pairs';

/** Values by name, such as the fixed attributes of a subject. */
export function PairsField({
  value,
  onChange,
  suggestions,
  nameLabel,
  valueLabel,
  addText,
  empty,
  ...field
}: FieldProps & {
  value: Pair[];
  onChange: (value: Pair[]) => void;
  suggestions: string[];
  nameLabel: string;
  valueLabel: string;
  addText: string;
  empty: string;
}) {
  function set(index: number, change: Partial<Pair>) {
    onChange(value.map((pair, at) => (at === index ? { ...pair, ...change } : pair)));
  }
  return (
    <Field {...field}>
      <AttributeEditor<Pair>
        items={value}
        addButtonText={addText}
        removeButtonText="Remove"
        removeButtonAriaLabel={(pair) => `Remove ${pair.name || 'the empty row'}`}
        empty={empty}
        onAddButtonClick={() => onChange([...value, { name: '', value: '' }])}
        onRemoveButtonClick={({ detail }) =>
          onChange(value.filter((_, at) => at !== detail.itemIndex))
        }
        definition={[
          {
            label: nameLabel,
            control: (pair, index) => (
              <Autosuggest
                value={pair.name}
                ariaLabel={nameLabel}
                options={suggestions.map((name) => ({ value: name }))}
                enteredTextLabel={(entered) => `Use “${entered}”`}
                onChange={({ detail }) => set(index, { name: detail.value })}
              />
            ),
          },
          {
            label: valueLabel,
            control: (pair, index) => (
              <Input
                value={pair.value}
                ariaLabel={valueLabel}
                spellcheck={false}
                onChange={({ detail }) => set(index, { value: detail.value })}
              />
            ),
          },
        ]}
      />
    </Field>
  );
}
