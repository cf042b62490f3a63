export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

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

/** The time from now to a moment, negative when it has passed.
 *  @param value - RFC 3339. */
export function millisecondsUntil(value: string): number {
  return Date.parse(value) - Date.now();
}

/** When something expires, in words: "expires in 12 days".
 *  @param milliseconds - from now; negative when it has expired. */
export function expiryText(milliseconds: number): string {
  return `${milliseconds <= 0 ? 'expired' : 'expires'} ${remainingTime(milliseconds)}`;
}

/** Whether a certificate needs attention: in the last third of its life, as it should have been
 *  renewed by then, but never earlier than so many days before the end.
 *  @param notBefore - RFC 3339.
 *  @param notAfter - RFC 3339. */
export function isDue(
  notBefore: string,
  notAfter: string,
  days: number,
  left = millisecondsUntil(notAfter),
): boolean {
  const life = Date.parse(notAfter) - Date.parse(notBefore);
  return left < Math.min(days * DAY, life / 3);
}
