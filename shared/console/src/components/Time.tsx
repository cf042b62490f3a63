import { timeText, utcText } from './times';

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
