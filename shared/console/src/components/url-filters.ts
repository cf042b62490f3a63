import type { PropertyFilterProps } from '@cloudscape-design/components/property-filter';

/** A way to narrow a list down: one parameter of the API, and of the page's URL. */
export interface Filter<Parameter extends string> {
  parameter: Parameter;
  /** What is compared: "Expiry". Filters of one property differ in their operator. */
  property: string;
  label: string;
  operator: PropertyFilterProps.ComparisonOperator;
  /** Whether its value is a moment, which is chosen from a calendar. */
  isDate?: boolean;
  /** Values to choose from, with how they are called. */
  options?: { value: string; label: string }[] | undefined;
}

/** The values of the filters that are set. */
export type FilterValues<Parameter extends string> = Partial<Record<Parameter, string>>;

/** The filters that a URL sets. */
export function valuesOfUrl<Parameter extends string>(
  search: URLSearchParams,
  filters: Filter<Parameter>[],
): FilterValues<Parameter> {
  const values: FilterValues<Parameter> = {};
  for (const { parameter } of filters) {
    const value = search.get(parameter);
    if (value) {
      values[parameter] = value;
    }
  }
  return values;
}

/** What the filters say in a URL. */
export function urlOfValues<Parameter extends string>(
  values: FilterValues<Parameter>,
  filters: Filter<Parameter>[],
): URLSearchParams {
  const search = new URLSearchParams();
  for (const { parameter } of filters) {
    const value = values[parameter];
    if (value !== undefined) {
      search.set(parameter, value);
    }
  }
  return search;
}

/** The filters as Cloudscape shows them. */
export function tokensOfValues<Parameter extends string>(
  values: FilterValues<Parameter>,
  filters: Filter<Parameter>[],
): PropertyFilterProps.Token[] {
  return filters.flatMap(({ parameter, property, operator }) => {
    const value = values[parameter];
    return value === undefined ? [] : [{ propertyKey: property, operator, value }];
  });
}

/** The filters of Cloudscape as values. A filter that is set twice has its later value, and a text
 *  without a property is one for the first filter. */
export function valuesOfTokens<Parameter extends string>(
  tokens: readonly PropertyFilterProps.Token[],
  filters: Filter<Parameter>[],
): FilterValues<Parameter> {
  const values: FilterValues<Parameter> = {};
  for (const token of tokens) {
    const filter =
      token.propertyKey === undefined
        ? filters[0]
        : filters.find(
            ({ property, operator }) =>
              property === token.propertyKey && operator === token.operator,
          );
    const value = String(token.value ?? '').trim();
    if (filter && value !== '') {
      values[filter.parameter] = value;
    }
  }
  return values;
}

/** How a value of a filter is shown: by its name, if any, and an identifier by its beginning. */
export function valueText(
  { options, isDate }: Pick<Filter<string>, 'options' | 'isDate'>,
  value: string,
): string {
  if (isDate) {
    return value.slice(0, 10);
  }
  if (options) {
    // The names of objects may not be known yet.
    return options.length === 0
      ? 'Loading…'
      : (options.find((option) => option.value === value)?.label ?? value);
  }
  return /^[0-9a-f-]{32,}$/i.test(value) ? `${value.slice(0, 8)}…` : value;
}
