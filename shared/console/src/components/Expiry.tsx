import Box from '@cloudscape-design/components/box';
import StatusIndicator from '@cloudscape-design/components/status-indicator';

import { expiryText, isDue, millisecondsUntil } from './remaining-time';
import { Time } from './Time';

/** When something expires, and how long that is from now, marked in the last third of its life.
 *  @param since - the beginning of its life, RFC 3339.
 *  @param value - the end, RFC 3339.
 *  @param warnDays - the days before the end before which it is never marked. */
export function Expiry({
  since,
  value,
  warnDays = 30,
}: {
  since: string;
  value: string;
  warnDays?: number;
}) {
  const left = millisecondsUntil(value);
  const text = expiryText(left);
  return (
    <>
      <Time value={value} unit="day" />{' '}
      {isDue(since, value, warnDays, left) ? (
        <StatusIndicator type={left <= 0 ? 'error' : 'warning'}>{text}</StatusIndicator>
      ) : (
        <Box variant="small">{text}</Box>
      )}
    </>
  );
}
