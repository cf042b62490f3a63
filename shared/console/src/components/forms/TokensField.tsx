import Autosuggest from '@cloudscape-design/components/autosuggest';
import SpaceBetween from '@cloudscape-design/components/space-between';
import TokenGroup from '@cloudscape-design/components/token-group';
import { useState } from 'react';

import { Field, type FieldProps } from './Field';

/** A list of names: known ones are offered, others (identifiers of objects) can be typed. */
export function TokensField({
  value,
  onChange,
  suggestions = [],
  placeholder = 'Add a name',
  ...field
}: FieldProps & {
  value: string[];
  onChange: (value: string[]) => void;
  suggestions?: string[];
  placeholder?: string;
}) {
  const [text, setText] = useState('');

  function add(name: string) {
    const trimmed = name.trim();
    if (trimmed !== '' && !value.includes(trimmed)) {
      onChange([...value, trimmed]);
    }
    setText('');
  }

  return (
    <Field {...field}>
      <SpaceBetween size="xs">
        <Autosuggest
          value={text}
          ariaLabel={field.label}
          placeholder={placeholder}
          options={suggestions
            .filter((name) => !value.includes(name))
            .map((name) => ({ value: name }))}
          enteredTextLabel={(entered) => `Add “${entered}”`}
          empty="Nothing is offered. Type a name or an OID."
          onChange={({ detail }) => setText(detail.value)}
          onSelect={({ detail }) => add(detail.value)}
          onBlur={() => add(text)}
        />
        <TokenGroup
          items={value.map((name) => ({ label: name, dismissLabel: `Remove ${name}` }))}
          onDismiss={({ detail }) => onChange(value.filter((_, at) => at !== detail.itemIndex))}
        />
      </SpaceBetween>
    </Field>
  );
}
