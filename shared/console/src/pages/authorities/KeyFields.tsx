import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';

import { reasonsAbout } from '../../api/errors';
import type { KeyAlgorithm } from '../../api/schema';
import { useSettings } from '../../api/settings';
import { DurationField } from '../../components/forms/DurationField';
import { KEY_ALGORITHMS } from '../../components/key-algorithms';

/** What is chosen about a key. */
export interface KeyDraft {
  keyAlgorithm: KeyAlgorithm;
  /** The ARN of an existing key; empty for a new one. */
  keyArn: string;
}

/** Chooses the algorithm of a key, or in AWS an existing key of KMS. */
export function KeyFields<Draft extends KeyDraft>({
  draft,
  onChange,
  error,
}: {
  draft: Draft;
  onChange: (draft: Draft) => void;
  error: unknown;
}) {
  const settings = useSettings();
  return (
    <SpaceBetween size="l">
      <AlgorithmField
        algorithm={draft.keyAlgorithm}
        onChange={(keyAlgorithm) => onChange({ ...draft, keyAlgorithm })}
        error={error}
      />
      {settings.data?.platform === 'AWS' && (
        <FormField
          label="Existing key"
          description="The ARN of a key in AWS KMS to use instead of creating one. It must have the algorithm above."
          errorText={reasonsAbout(error, 'keyArn')}
        >
          <Input
            value={draft.keyArn}
            placeholder="A new key is created"
            onChange={({ detail }) => onChange({ ...draft, keyArn: detail.value })}
          />
        </FormField>
      )}
    </SpaceBetween>
  );
}

/** Chooses the algorithm of a key. */
export function AlgorithmField({
  algorithm,
  onChange,
  error,
  rsaOnly = false,
}: {
  algorithm: KeyAlgorithm;
  onChange: (algorithm: KeyAlgorithm) => void;
  error: unknown;
  rsaOnly?: boolean;
}) {
  const options = KEY_ALGORITHMS.filter(({ value }) => !rsaOnly || value.startsWith('RSA'));
  return (
    <FormField
      label="Key algorithm"
      description={
        rsaOnly
          ? 'Clients encrypt to this key, which only RSA can do in SCEP.'
          : 'RSA 2048 suits every client; some old devices cannot verify EC.'
      }
      errorText={reasonsAbout(error, 'keyAlgorithm')}
    >
      <Select
        options={options}
        selectedOption={options.find(({ value }) => value === algorithm) ?? null}
        expandToViewport
        onChange={({ detail }) => {
          const chosen = options.find(({ value }) => value === detail.selectedOption.value);
          onChange(chosen?.value ?? algorithm);
        }}
      />
    </FormField>
  );
}

/** How long a certificate is valid. */
export function ValidityField({
  value,
  onChange,
  standard,
  description,
}: {
  value: string;
  onChange: (value: string) => void;
  /** The default. */
  standard: string;
  description: string;
}) {
  return (
    <DurationField
      label="Validity"
      path="validity"
      explanation={description}
      standard={standard}
      value={value}
      onChange={onChange}
    />
  );
}
