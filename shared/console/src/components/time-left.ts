const DAY = 86_400_000;
const HOUR = 3_600_000;

/** The time from now to a moment, negative when it has passed.
 *  @param value - RFC 3339. */
export function millisecondsUntil(value: string): number {
  return Date.parse(value) - Date.now();
}

/** How long something still lasts, in words.
 *  @param milliseconds - from now; negative when it has ended. */
export function expiryText(milliseconds: number): string {
  if (milliseconds <= 0) {
    return `ended ${count(-milliseconds)} ago`;
  }
  return `${count(milliseconds)} left`;
}

/** How much attention that deserves. */
export function expiryType(
  milliseconds: number,
  warnDays: number,
): 'error' | 'warning' | 'success' {
  if (milliseconds <= 0) {
    return 'error';
  }
  return milliseconds < warnDays * DAY ? 'warning' : 'success';
}

function count(milliseconds: number): string {
  if (milliseconds < HOUR) {
    return 'less than an hour';
  }
  // Two days are exact enough; one may be nearly two.
  return milliseconds < 2 * DAY
    ? plural(Math.floor(milliseconds / HOUR), 'hour')
    : plural(Math.floor(milliseconds / DAY), 'day');
}

function plural(number: number, unit: string): string {
  return `${number.toLocaleString('en')} ${unit}${number === 1 ? '' : 's'}`;
}
