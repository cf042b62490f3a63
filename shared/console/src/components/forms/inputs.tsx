import Checkbox from '@cloudscape-design/components/checkbox';
import Input, { type InputProps } from '@cloudscape-design/components/input';
import RadioGroup from '@cloudscape-design/components/radio-group';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Toggle from '@cloudscape-design/components/toggle';

import { Field, type FieldProps } from './Field';

/** A line of text. */
export function TextField({
  value,
  onChange,
  placeholder,
  disabled,
  type = 'text',
  inputMode,
  ...field
}: FieldProps & {
  value: string;
  onChange: (value: string) => void;
  /** The default that an empty field stands for. */
  placeholder?: string;
  disabled?: boolean;
  type?: 'text' | 'password';
  inputMode?: InputProps['inputMode'];
}) {
  return (
    <Field {...field}>
      <Input
        value={value}
        onChange={({ detail }) => onChange(detail.value)}
        placeholder={placeholder}
        disabled={disabled}
        type={type}
        inputMode={inputMode}
        autoComplete={type === 'password' ? 'new-password' : false}
        spellcheck={false}
      />
    </Field>
  );
}

/** A setting that is on or off. */
export function ToggleField({
  label,
  value,
  onChange,
  path,
  explanation,
  constraint,
}: FieldProps & { value: boolean; onChange: (value: boolean) => void }) {
  return (
    <Field label="" path={path} constraint={constraint}>
      <Toggle
        checked={value}
        onChange={({ detail }) => onChange(detail.checked)}
        description={explanation}
      >
        {label}
      </Toggle>
    </Field>
  );
}

/** One thing to choose, with what it is called and what it means. */
export interface Choice<T extends string> {
  value: T;
  label: string;
  description?: string;
  /** Why it cannot be chosen now. */
  disabledReason?: string;
}

/** One choice of a long list. */
export function SelectField<T extends string>({
  value,
  onChange,
  choices,
  placeholder,
  disabled,
  empty,
  ...field
}: FieldProps & {
  value: T;
  onChange: (value: T) => void;
  choices: Choice<T>[];
  placeholder?: string;
  disabled?: boolean;
  /** What is shown when there is no choice. */
  empty?: string;
}) {
  return (
    <Field {...field}>
      <Select
        selectedOption={choices.find((choice) => choice.value === value) ?? null}
        options={choices.map((choice) => ({
          ...choice,
          disabled: choice.disabledReason !== undefined,
        }))}
        onChange={({ detail }) => {
          const chosen = choices.find((choice) => choice.value === detail.selectedOption.value);
          if (chosen) {
            onChange(chosen.value);
          }
        }}
        placeholder={placeholder}
        disabled={disabled}
        empty={empty}
        filteringType={choices.length > 10 ? 'auto' : 'none'}
      />
    </Field>
  );
}

/** One choice of a few. */
export function RadioField<T extends string>({
  value,
  onChange,
  choices,
  ...field
}: FieldProps & { value: T; onChange: (value: T) => void; choices: Choice<T>[] }) {
  return (
    <Field {...field}>
      <RadioGroup
        value={value}
        items={choices}
        onChange={({ detail }) => {
          const chosen = choices.find((choice) => choice.value === detail.value);
          if (chosen) {
            onChange(chosen.value);
          }
        }}
      />
    </Field>
  );
}

/** Any number of a few choices. */
export function ChecksField<T extends string>({
  value,
  onChange,
  choices,
  ...field
}: FieldProps & { value: T[]; onChange: (value: T[]) => void; choices: Choice<T>[] }) {
  function set(choice: T, isChosen: boolean) {
    // The order is that of the choices, so that an edit back and forth is no change.
    const kept = choices.map((item) => item.value);
    onChange(kept.filter((item) => (item === choice ? isChosen : value.includes(item))));
  }
  return (
    <Field {...field}>
      <SpaceBetween size="xs">
        {choices.map((choice) => (
          <Checkbox
            key={choice.value}
            checked={value.includes(choice.value)}
            description={choice.description}
            onChange={({ detail }) => set(choice.value, detail.checked)}
          >
            {choice.label}
          </Checkbox>
        ))}
      </SpaceBetween>
    </Field>
  );
}
