import StatusIndicator from '@cloudscape-design/components/status-indicator';

import type { EndpointStatus } from '../../api/schema';
import { endpointHealth } from '../health';

/** Whether a profile is enabled. */
export function ProfileState({ enabled }: { enabled: boolean }) {
  return (
    <StatusIndicator type={enabled ? 'success' : 'stopped'}>
      {enabled ? 'Enabled' : 'Disabled'}
    </StatusIndicator>
  );
}

/** Whether an endpoint serves, and why not. */
export function EndpointState({ endpoint }: { endpoint: EndpointStatus | undefined }) {
  if (!endpoint) {
    return <StatusIndicator type="stopped">No endpoint</StatusIndicator>;
  }
  const { type, text } = endpointHealth(endpoint);
  return <StatusIndicator type={type}>{text}</StatusIndicator>;
}
