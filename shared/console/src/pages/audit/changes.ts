import { flatValues } from '../../components/flat-values';

/** A field that a change set, removed, or gave another value. */
export interface Change {
  /** The path of the field in JSON. */
  field: string;
  before: string | undefined;
  after: string | undefined;
}

/** The fields that differ between two states of an object; one of them may not exist. */
export function changesBetween(before: unknown, after: unknown): Change[] {
  const old = flatValues(before);
  const now = flatValues(after);
  const fields = [...new Set([...old.keys(), ...now.keys()])].sort();
  return fields
    .filter((field) => old.get(field) !== now.get(field))
    .map((field) => ({ field, before: old.get(field), after: now.get(field) }));
}

/** The beginning of a long text, such as a certificate, with how long it is. */
export function shortened(text: string): string {
  return text.length <= LIMIT
    ? text
    : `${text.slice(0, LIMIT - 20)}… (${text.length.toLocaleString('en')} characters)`;
}

const LIMIT = 160;
