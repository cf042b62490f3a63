const zoned = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });

/** A moment in the reader's time zone, in UTC when pointed at.
 *  @param value - RFC 3339. */
export function Time({ value, dateOnly = false }: { value: string; dateOnly?: boolean }) {
  const moment = new Date(value);
  return (
    <time dateTime={value} title={value.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC')}>
      {(dateOnly ? day : zoned).format(moment)}
    </time>
  );
}

/** The whole days from now until a moment; negative when it has passed. */
export function daysUntil(value: string): number {
  return Math.floor((Date.parse(value) - Date.now()) / 86_400_000);
}
