import { useSearchParams } from 'react-router';

/** What narrows a list down, by the name of its parameter in the page's URL. */
export type Filters = Record<string, string>;

/** Filters that are kept in the page's URL, so that a link leads to the same list.
 *  @returns the value of each filter, empty without one, and a function that changes some. */
export function useUrlState<Name extends string>(
  names: readonly Name[],
): [Record<Name, string>, (change: Partial<Record<Name, string>>) => void] {
  const [parameters, setParameters] = useSearchParams();
  const filters = Object.fromEntries(
    names.map((name) => [name, parameters.get(name) ?? '']),
  ) as Record<Name, string>;

  function change(values: Partial<Record<Name, string>>) {
    // A filter is no place to go back to.
    setParameters((current) => withFilters(current, values), { replace: true });
  }
  return [filters, change];
}

/** The parameters of a URL with some of them changed. Empty ones are left out. */
export function withFilters(current: URLSearchParams, values: Partial<Filters>): URLSearchParams {
  const changed = new URLSearchParams(current);
  for (const [name, value] of Object.entries(values)) {
    if (value) {
      changed.set(name, value);
    } else {
      changed.delete(name);
    }
  }
  return changed;
}

/** Filters without those that are empty, as parameters of a request. */
export function usedFilters<Name extends string>(
  filters: Record<Name, string>,
): Partial<Record<Name, string>> {
  const used = Object.entries<string>(filters).filter(([, value]) => value !== '');
  return Object.fromEntries(used) as Partial<Record<Name, string>>;
}
