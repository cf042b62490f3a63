const hour = new Intl.DateTimeFormat(undefined, {
  weekday: 'short',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
});
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', timeZone: 'UTC' });

/** An hour in the reader's time zone, or a day, which is one of UTC.
 *  @param from - its beginning, RFC 3339. */
export function momentText(from: string, by: string): string {
  return (by === 'hour' ? hour : day).format(new Date(from));
}
