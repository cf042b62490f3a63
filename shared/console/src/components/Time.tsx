const format = (timeStyle?: 'short' | 'medium') =>
  new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle, hourCycle: 'h23' });

const FORMATS = { day: format(), minute: format('short'), second: format('medium') };

/** A moment in the reader's time zone, as exact as `unit`.
 *  @param value - RFC 3339. */
export function timeText(value: string, unit: keyof typeof FORMATS): string {
  return FORMATS[unit].format(new Date(value));
}

/** A moment in UTC.
 *  @param value - RFC 3339, in UTC. */
export function utcText(value: string): string {
  return value.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC');
}

/** A moment in the reader's time zone, in UTC when pointed at.
 *  @param value - RFC 3339.
 *  @param seconds - whether they matter, as in the order of a log. */
export function Time({
  value,
  dateOnly = false,
  seconds = false,
}: {
  value: string;
  dateOnly?: boolean;
  seconds?: boolean;
}) {
  return (
    <time dateTime={value} title={utcText(value)} style={{ whiteSpace: 'nowrap' }}>
      {timeText(value, dateOnly ? 'day' : seconds ? 'second' : 'minute')}
    </time>
  );
}
