import Calendar from '@cloudscape-design/components/calendar';
import DateInput from '@cloudscape-design/components/date-input';
import FormField from '@cloudscape-design/components/form-field';
import PropertyFilter, {
  type PropertyFilterProps,
} from '@cloudscape-design/components/property-filter';
import { useSearchParams } from 'react-router';

import {
  tokensOfValues,
  urlOfValues,
  valuesOfTokens,
  valuesOfUrl,
  valueText,
  type Filter,
  type FilterValues,
} from './url-filters';

/** The filters that the page's URL sets, so that other pages can link to a narrowed list. */
export function useUrlFilters<Parameter extends string>(
  filters: Filter<Parameter>[],
): FilterValues<Parameter> {
  const [search] = useSearchParams();
  return valuesOfUrl(search, filters);
}

/** Narrows a list down by what it writes to the page's URL.
 *  @param placeholder - what to type, as in "Search by subject". Bare text is for the first filter. */
export function UrlFilter<Parameter extends string>({
  filters,
  placeholder,
}: {
  filters: Filter<Parameter>[];
  placeholder: string;
}) {
  const [search, setSearch] = useSearchParams();
  const tokens = tokensOfValues(valuesOfUrl(search, filters), filters);
  return (
    <PropertyFilter
      query={{ tokens, operation: 'and' }}
      hideOperations
      expandToViewport
      filteringPlaceholder={placeholder}
      filteringAriaLabel={placeholder}
      filteringProperties={propertiesOf(filters)}
      filteringOptions={filters.flatMap(({ property, options = [] }) =>
        options.map((option) => ({ propertyKey: property, ...option })),
      )}
      freeTextFiltering={{ operators: [':'] }}
      onChange={({ detail }) =>
        setSearch(urlOfValues(valuesOfTokens(detail.tokens, filters), filters))
      }
    />
  );
}

function propertiesOf<Parameter extends string>(
  filters: Filter<Parameter>[],
): PropertyFilterProps.FilteringProperty[] {
  const keys = [...new Set(filters.map(({ property }) => property))];
  return keys.map((key) => {
    const alike = filters.filter(({ property }) => property === key);
    const label = alike[0]?.label ?? key;
    return {
      key,
      propertyLabel: label,
      groupValuesLabel: label,
      operators: alike.map((filter) => ({
        operator: filter.operator,
        format: (value: string | null) => valueText(filter, value ?? ''),
        ...(filter.isDate && { form: DayForm }),
      })),
      defaultOperator: alike[0]?.operator,
    };
  });
}

/** Chooses a day, whose first moment in UTC counts. */
function DayForm({ value, onChange }: PropertyFilterProps.ExtendedOperatorFormProps<string>) {
  const day = value?.slice(0, 10) ?? '';
  return (
    <FormField description="Its beginning in UTC counts.">
      <DateInput
        value={day}
        placeholder="YYYY/MM/DD"
        ariaLabel="Day"
        onChange={({ detail }) => onChange(detail.value)}
      />
      <Calendar value={day} onChange={({ detail }) => onChange(detail.value)} />
    </FormField>
  );
}
