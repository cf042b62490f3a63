/** A name and its value, as typed. */
export interface Pair {
  name: string;
  value: string;
}

/** The pairs as an object; rows without a name are left out. */
export function objectOf(pairs: Pair[]): Record<string, string> {
  return Object.fromEntries(
    pairs.filter(({ name }) => name.trim() !== '').map(({ name, value }) => [name.trim(), value]),
  );
}

/** The members of an object as pairs. */
export function pairsOf(object: Record<string, string | undefined> | null | undefined): Pair[] {
  return Object.entries(object ?? {}).map(([name, value]) => ({ name, value: value ?? '' }));
}
