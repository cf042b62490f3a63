const COMMON = { dateStyle: 'medium', hourCycle: 'h23' } as const;
const FORMATS = {
  day: new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' }),
  minute: new Intl.DateTimeFormat(undefined, { ...COMMON, timeStyle: 'short' }),
  second: new Intl.DateTimeFormat(undefined, { ...COMMON, timeStyle: 'medium' }),
};

/** A moment in the reader's time zone, in UTC when pointed at.
 *  @param value - RFC 3339.
 *  @param unit - how exact it is; logs need the second. */
export function Time({ value, unit = 'minute' }: { value: string; unit?: keyof typeof FORMATS }) {
  return (
    <time
      dateTime={value}
      title={value.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC')}
      style={{ whiteSpace: 'nowrap' }}
    >
      {FORMATS[unit].format(new Date(value))}
    </time>
  );
}
