import Box from '@cloudscape-design/components/box';
import StatusIndicator from '@cloudscape-design/components/status-indicator';

import { expiryType, millisecondsUntil, remainingTime, warningTime } from './time-left';
import { Time } from './Time';

/** When something ends, and how long that is from now.
 *  @param value - RFC 3339.
 *  @param from - when its life begins, so that what does not live long is marked in time only.
 *  @param warnDays - the days before the end from which on it is marked, at most. */
export function Expiry({
  value,
  from,
  warnDays = 30,
}: {
  value: string;
  from?: string;
  warnDays?: number;
}) {
  const left = millisecondsUntil(value);
  const type = expiryType(left, warningTime(value, warnDays, from));
  const text = remainingTime(left);
  return (
    <>
      <Time value={value} dateOnly />{' '}
      {type === 'success' ? (
        <Box variant="small">{text}</Box>
      ) : (
        <StatusIndicator type={type}>{text}</StatusIndicator>
      )}
    </>
  );
}
