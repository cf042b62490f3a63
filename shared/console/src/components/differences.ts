/** A field that two versions of an object have with different values, as texts. */
export interface Difference {
  /** What the field is called, or its path in JSON where it has no label. */
  field: string;
  mine: string;
  theirs: string;
}

/** How fields and their values are called, by the paths of the fields in JSON. */
export interface Vocabulary {
  labels: Record<string, string>;
  /** What a value is called that only programs read; `undefined` for any other. */
  wordOf?: (path: string, value: string) => string | undefined;
}

/** The fields of `mine` that `theirs` has with another value. Fields that only the server sets are
 *  no differences. */
export function differences(
  mine: object,
  theirs: object,
  words: Vocabulary,
  prefix = '',
): Difference[] {
  const others = new Map<string, unknown>(Object.entries(theirs));
  return Object.entries(mine).flatMap(([name, value]: [string, unknown]) => {
    const other = others.get(name);
    const path = `${prefix}${name}`;
    const label = words.labels[path];
    // A field that has a label and an object for a value is a map, such as of fixed attributes.
    if (label === undefined && (isObject(value) || isObject(other))) {
      return differences(
        isObject(value) ? value : emptied(other),
        isObject(other) ? other : emptied(value),
        words,
        `${path}.`,
      );
    }
    const wordOf = (text: string) => words.wordOf?.(path, text) ?? text;
    const texts = { mine: describe(value, wordOf), theirs: describe(other, wordOf) };
    return !others.has(name) || texts.mine === texts.theirs
      ? []
      : [{ field: label ?? path, ...texts }];
  });
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The fields of an object, each without a value. */
function emptied(object: unknown): object {
  const names = isObject(object) ? Object.keys(object) : [];
  return Object.fromEntries(names.map((name) => [name, null]));
}

function describe(value: unknown, wordOf: (text: string) => string): string {
  if (value === null || value === undefined || value === '') {
    return '–';
  }
  if (typeof value === 'boolean') {
    return value ? 'Yes' : 'No';
  }
  if (Array.isArray(value)) {
    return value.map((item: unknown) => describe(item, wordOf)).join(', ') || 'None';
  }
  if (isObject(value)) {
    const pairs = Object.entries(value).map(
      ([name, inner]: [string, unknown]) => `${name}: ${describe(inner, wordOf)}`,
    );
    return pairs.join(', ') || 'None';
  }
  return wordOf(typeof value === 'string' ? value : JSON.stringify(value));
}
