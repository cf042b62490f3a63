import AttributeEditor from '@cloudscape-design/components/attribute-editor';
import Autosuggest from '@cloudscape-design/components/autosuggest';
import Input from '@cloudscape-design/components/input';
import Select from '@cloudscape-design/components/select';

import type { NamedValue } from './draft';

/** Values with what each of them is.
 *  @param isOpen - whether other names than the offered ones can be typed. */
export function NamedValues({
  pairs,
  names,
  isOpen,
  nameLabel,
  addText,
  empty,
  onChange,
}: {
  pairs: NamedValue[];
  names: { value: string; label: string }[];
  isOpen: boolean;
  nameLabel: string;
  addText: string;
  empty: string;
  onChange: (pairs: NamedValue[]) => void;
}) {
  const set = (index: number, change: Partial<NamedValue>) =>
    onChange(pairs.map((pair, place) => (place === index ? { ...pair, ...change } : pair)));
  return (
    <AttributeEditor<NamedValue>
      items={pairs}
      addButtonText={addText}
      removeButtonText="Remove"
      removeButtonAriaLabel={({ name }) => `Remove ${name || 'the empty row'}`}
      empty={empty}
      onAddButtonClick={() =>
        onChange([...pairs, { name: isOpen ? '' : (names[0]?.value ?? ''), value: '' }])
      }
      onRemoveButtonClick={({ detail }) =>
        onChange(pairs.filter((_, place) => place !== detail.itemIndex))
      }
      definition={[
        {
          label: nameLabel,
          control: ({ name }, index) =>
            isOpen ? (
              <Autosuggest
                value={name}
                ariaLabel={nameLabel}
                options={names}
                enteredTextLabel={(entered) => `Use “${entered}”`}
                onChange={({ detail }) => set(index, { name: detail.value })}
              />
            ) : (
              <Select
                selectedOption={names.find(({ value }) => value === name) ?? null}
                options={names}
                ariaLabel={nameLabel}
                onChange={({ detail }) => set(index, { name: detail.selectedOption.value ?? '' })}
              />
            ),
        },
        {
          label: 'Value',
          control: ({ name, value }, index) => (
            <Input
              value={value}
              ariaLabel={`Value of ${name || 'the new row'}`}
              spellcheck={false}
              onChange={({ detail }) => set(index, { value: detail.value })}
            />
          ),
        },
      ]}
    />
  );
}
