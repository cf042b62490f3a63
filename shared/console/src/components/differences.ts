/** A field that two versions of an object have with different values, as texts. */
export interface Difference {
  /** The path of the field in JSON: `certificateTemplate.validity`. */
  field: string;
  mine: string;
  theirs: string;
}

/** The fields of `mine` that `theirs` has with another value. Fields that only the server sets are
 *  no differences. */
export function differences(mine: object, theirs: object, prefix = ''): Difference[] {
  const others = new Map<string, unknown>(Object.entries(theirs));
  return Object.entries(mine).flatMap(([name, value]: [string, unknown]) => {
    const other = others.get(name);
    const field = `${prefix}${name}`;
    if (!others.has(name) || textOf(value) === textOf(other)) {
      return [];
    }
    return isObject(value) && isObject(other)
      ? differences(value, other, `${field}.`)
      : [{ field, mine: textOf(value), theirs: textOf(other) }];
  });
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string {
  if (value === null || value === undefined || value === '') {
    return '–';
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}
