import FormField from '@cloudscape-design/components/form-field';
import type { ReactNode } from 'react';

import { useProblems } from './problems';

/** What every field of a form has. */
export interface FieldProps {
  label: string;
  /** The field's JSON path in the API, by which reasons and warnings name it. */
  path: string;
  /** What the field is for, in one sentence. */
  explanation?: ReactNode;
  /** The limits of the value, and its default. */
  constraint?: ReactNode;
  optional?: boolean;
}

/** A labelled input with what the API says about it. */
export function Field({
  label,
  path,
  explanation,
  constraint,
  optional = false,
  children,
}: FieldProps & { children: ReactNode }) {
  const { error, warning } = useProblems(path);
  return (
    <div data-faulty={error === undefined ? undefined : ''}>
      <FormField
        label={
          optional ? (
            <span>
              {label} <i>- optional</i>
            </span>
          ) : (
            label
          )
        }
        description={explanation}
        constraintText={constraint}
        errorText={error}
        warningText={error === undefined ? warning : undefined}
      >
        {children}
      </FormField>
    </div>
  );
}
