/** A length of time as typed: a number and a unit. */
export interface DurationDraft {
  amount: string;
  unit: DurationUnit;
}

export type DurationUnit = 'minutes' | 'hours' | 'days';

export const DURATION_UNITS: DurationUnit[] = ['minutes', 'hours', 'days'];

const MINUTES: Record<DurationUnit, number> = { minutes: 1, hours: 60, days: 24 * 60 };

/** The longest validity of a challenge, in days. */
const MAX_DAYS = 90;

/** An ISO 8601 duration. */
export function durationOf({ amount, unit }: DurationDraft): string {
  const number = amount.trim();
  switch (unit) {
    case 'minutes':
      return `PT${number}M`;
    case 'hours':
      return `PT${number}H`;
    case 'days':
      return `P${number}D`;
  }
}

/** Why a length of time cannot be a challenge's validity. */
export function durationProblem({ amount, unit }: DurationDraft): string | undefined {
  if (!/^[1-9]\d{0,6}$/.test(amount.trim())) {
    return 'Enter a whole number from 1 on.';
  }
  return Number(amount) * MINUTES[unit] > MAX_DAYS * MINUTES.days
    ? `A challenge is valid for at most ${MAX_DAYS} days.`
    : undefined;
}

/** When a challenge expires that is made now, in words of the user's time zone. */
export function expiryText({ amount, unit }: DurationDraft, now: number): string {
  const end = new Date(now + Number(amount) * MINUTES[unit] * 60_000);
  return new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' }).format(
    end,
  );
}
