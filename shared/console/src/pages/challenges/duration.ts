import type { DurationDraft, DurationUnit } from '../../components/forms/duration';
import { timeText } from '../../components/Time';

/** The units of a challenge's validity. */
export const VALIDITY_UNITS: DurationUnit[] = ['minutes', 'hours', 'days'];

const MINUTES: Record<DurationUnit, number> = {
  minutes: 1,
  hours: 60,
  days: 24 * 60,
  weeks: 7 * 24 * 60,
  months: 30 * 24 * 60,
  years: 365 * 24 * 60,
};

/** The longest validity of a challenge, in days. */
const MAX_DAYS = 90;

/** Why a length of time cannot be a challenge's validity. */
export function durationProblem({ amount, unit }: DurationDraft): string | undefined {
  if (!/^[1-9]\d{0,6}$/.test(amount.trim())) {
    return 'Enter a whole number from 1 on.';
  }
  return Number(amount) * MINUTES[unit] > MAX_DAYS * MINUTES.days
    ? `A challenge is valid for at most ${MAX_DAYS} days.`
    : undefined;
}

/** When a challenge ends that is made now, in words of the user's time zone. */
export function endText({ amount, unit }: DurationDraft, now: number): string {
  const end = new Date(now + Number(amount) * MINUTES[unit] * 60_000);
  return timeText(end.toISOString(), 'minute');
}
