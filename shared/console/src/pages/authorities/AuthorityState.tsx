import StatusIndicator from '@cloudscape-design/components/status-indicator';

import type { AuthorityView } from '../../api/schema';
import { rolloverStage } from './texts';

/** Whether an authority can issue, and whether a rollover is under way. */
export function AuthorityState({ authority }: { authority: AuthorityView }) {
  if (authority.state === 'AWAITING_CERTIFICATE') {
    return <StatusIndicator type="pending">Waits for a certificate</StatusIndicator>;
  }
  return rolloverStage(authority) === 'none' ? (
    <StatusIndicator type="success">Issues</StatusIndicator>
  ) : (
    <StatusIndicator type="in-progress">Rollover under way</StatusIndicator>
  );
}
