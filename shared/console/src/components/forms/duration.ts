import { isDuration } from '../durations';

/** A length of time as typed: a number and a unit. */
export interface DurationDraft {
  amount: string;
  unit: DurationUnit;
}

export type DurationUnit = 'minutes' | 'hours' | 'days' | 'weeks' | 'months' | 'years';

/** What stands before the number and after it in ISO 8601. */
const FORMS: Record<DurationUnit, [before: string, after: string]> = {
  minutes: ['PT', 'M'],
  hours: ['PT', 'H'],
  days: ['P', 'D'],
  weeks: ['P', 'W'],
  months: ['P', 'M'],
  years: ['P', 'Y'],
};

const UNITS: DurationUnit[] = ['minutes', 'hours', 'days', 'weeks', 'months', 'years'];

/** What is typed as an ISO 8601 duration, or as something like one that is none. */
export function durationOf({ amount, unit }: DurationDraft): string {
  const [before, after] = FORMS[unit];
  return `${before}${amount.trim()}${after}`;
}

/** The number and the unit of what `durationOf` returns; `undefined` for a duration of several
 *  units, and for what is nothing like a duration. */
export function draftOfDuration(duration: string): DurationDraft | undefined {
  const unit = UNITS.find((candidate) => {
    const [before, after] = FORMS[candidate];
    return duration.startsWith(before) && duration.endsWith(after);
  });
  if (unit === undefined) {
    return undefined;
  }
  const [before, after] = FORMS[unit];
  const amount = duration.slice(before.length, duration.length - after.length);
  return isDuration(duration) && !/^\d+$/.test(amount) ? undefined : { amount, unit };
}
