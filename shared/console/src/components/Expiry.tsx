import StatusIndicator from '@cloudscape-design/components/status-indicator';

import { expiryText, expiryType, millisecondsUntil } from './time-left';
import { Time } from './Time';

/** When something ends, and how long that is from now.
 *  @param value - RFC 3339.
 *  @param warnDays - the days before the end from which on it is marked. */
export function Expiry({ value, warnDays = 30 }: { value: string; warnDays?: number }) {
  const milliseconds = millisecondsUntil(value);
  return (
    <>
      <Time value={value} dateOnly />{' '}
      <StatusIndicator type={expiryType(milliseconds, warnDays)}>
        {expiryText(milliseconds)}
      </StatusIndicator>
    </>
  );
}
