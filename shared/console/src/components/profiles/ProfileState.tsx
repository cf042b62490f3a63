import StatusIndicator from '@cloudscape-design/components/status-indicator';

import type { EndpointStatus } from '../../api/schema';

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
  return (
    <StatusIndicator type={endpoint.available ? 'success' : 'warning'}>
      {endpoint.available ? 'Serves' : (endpoint.reason ?? 'Does not serve')}
    </StatusIndicator>
  );
}
