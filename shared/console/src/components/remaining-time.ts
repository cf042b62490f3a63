const format = new Intl.RelativeTimeFormat('en', { numeric: 'always' });

const UNITS = [
  { unit: 'day', length: 86_400_000 },
  { unit: 'hour', length: 3_600_000 },
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
