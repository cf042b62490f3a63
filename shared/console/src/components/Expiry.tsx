import Box from '@cloudscape-design/components/box';
import StatusIndicator from '@cloudscape-design/components/status-indicator';

import { expiryText, expiryType, millisecondsUntil } from './time-left';
import { Time } from './Time';

/** When something ends, and how long that is from now.
 *  @param value - RFC 3339.
 *  @param warnDays - the days before the end from which on it is marked. */
export function Expiry({ value, warnDays = 30 }: { value: string; warnDays?: number }) {
  const milliseconds = millisecondsUntil(value);
  const type = expiryType(milliseconds, warnDays);
  const text = expiryText(milliseconds);
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
