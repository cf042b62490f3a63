/** In milliseconds. */
export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

/** The time from now to a moment, negative when it has passed.
 *  @param value - RFC 3339. */
export function millisecondsUntil(value: string): number {
  return Date.parse(value) - Date.now();
}

const format = new Intl.RelativeTimeFormat('en', { numeric: 'always' });

const UNITS = [
  { unit: 'day', length: DAY },
  { unit: 'hour', length: HOUR },
  { unit: 'minute', length: 60_000 },
] as const;

/** A time from now in its largest whole unit: "in 12 days", "3 hours ago".
 *  @param milliseconds - negative for what has passed. */
export function remainingTime(milliseconds: number): string {
  // Two days are exact enough; one day may be nearly two.
  const { unit, length } =
    UNITS.find(({ unit, length }) => Math.abs(milliseconds) >= (unit === 'day' ? 2 : 1) * length) ??
    UNITS[2];
  return format.format(Math.trunc(milliseconds / length), unit);
}

/** How long before its end something is due to be replaced, in milliseconds: for what does not live
 *  long, in the last third of its life, in which clients renew.
 *  @param warnDays - how many days that are at most.
 *  @param from - when its life begins, RFC 3339; `undefined` when only the days count. */
export function warningTime(end: string, warnDays: number, from?: string): number {
  const life = from === undefined ? Infinity : Date.parse(end) - Date.parse(from);
  return Math.min(warnDays * DAY, life / 3);
}

/** How much attention the end of something deserves.
 *  @param milliseconds - from now; negative when it has ended. */
export function expiryType(milliseconds: number, warning: number): 'error' | 'warning' | 'success' {
  if (milliseconds <= 0) {
    return 'error';
  }
  return milliseconds < warning ? 'warning' : 'success';
}
