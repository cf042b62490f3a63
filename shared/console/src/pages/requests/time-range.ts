import type { DateRangePickerProps } from '@cloudscape-design/components/date-range-picker';

import { DAY, HOUR } from '../../components/time-left';

/** A time between two moments, RFC 3339 in UTC; empty for no limit. */
export interface TimeRange {
  since: string;
  until: string;
}

/** The moments of what was chosen in the user's time zone. */
export function rangeOf(value: DateRangePickerProps.Value | null, now: number): TimeRange {
  if (value === null) {
    return { since: '', until: '' };
  }
  if (value.type === 'relative') {
    const unit = UNITS.get(value.unit) ?? 0;
    return { since: new Date(now - value.amount * unit).toISOString(), until: '' };
  }
  return {
    since: new Date(value.startDate).toISOString(),
    until: new Date(value.endDate).toISOString(),
  };
}

/** The range in the form of the date picker, which needs both ends. */
export function pickerValue({ since, until }: TimeRange, now: number) {
  if (since === '' && until === '') {
    return null;
  }
  return {
    type: 'absolute' as const,
    startDate: since || '2000-01-01T00:00:00Z',
    endDate: until || new Date(now).toISOString(),
  };
}

/** Why a range cannot be used. */
export function rangeProblem(value: DateRangePickerProps.Value | null): string | undefined {
  if (value?.type !== 'absolute') {
    return undefined;
  }
  const [start, end] = [Date.parse(value.startDate), Date.parse(value.endDate)];
  if (Number.isNaN(start) || Number.isNaN(end)) {
    return 'Enter the beginning and the end, each with a date and a time.';
  }
  return start < end ? undefined : 'The end must be after the beginning.';
}

const UNITS = new Map([
  ['minute', 60_000],
  ['hour', HOUR],
  ['day', DAY],
  ['week', 7 * DAY],
]);

/** The times that are offered. */
export const RELATIVE_RANGES: DateRangePickerProps.RelativeOption[] = [
  { key: 'hour', amount: 1, unit: 'hour', type: 'relative' },
  { key: 'day', amount: 24, unit: 'hour', type: 'relative' },
  { key: 'week', amount: 7, unit: 'day', type: 'relative' },
  { key: 'month', amount: 30, unit: 'day', type: 'relative' },
];
