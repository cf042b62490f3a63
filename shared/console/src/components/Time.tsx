const format = (timeStyle?: 'short' | 'medium') =>
  new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle, hourCycle: 'h23' });
const day = format();
const minute = format('short');
const second = format('medium');

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
  const shown = dateOnly ? day : seconds ? second : minute;
  return (
    <time
      dateTime={value}
      title={value.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC')}
      style={{ whiteSpace: 'nowrap' }}
    >
      {shown.format(new Date(value))}
    </time>
  );
}
