import type { StatusIndicatorProps } from '@cloudscape-design/components/status-indicator';

import type { EndpointStatus, UnavailabilityReason } from '../api/schema';

/** How something is, shown as a status indicator. */
export interface Health {
  type: Extract<StatusIndicatorProps.Type, 'success' | 'warning' | 'error' | 'pending' | 'stopped'>;
  text: string;
}

/** What needs attention comes first. */
export const URGENCY: Record<Health['type'], number> = {
  error: 0,
  warning: 1,
  pending: 2,
  stopped: 3,
  success: 4,
};

// What administrators have chosen. Any other reason is a fault that devices suffer from.
const IS_CHOSEN: Record<UnavailabilityReason, boolean> = {
  authorityExpired: false,
  authorityMissing: false,
  authorityNotActive: false,
  raCertificateExpired: false,
  raCertificateMissing: false,
  raCertificateUnfit: false,
  raProfileDisabled: true,
  raProfileUnknown: false,
  scepNotActivated: true,
  scepProfileDisabled: true,
  scepProfileUnknown: false,
  withoutDefaultRaProfile: true,
};

/** Whether an endpoint serves, or why not. */
export function endpointHealth({
  available,
  reason,
  reasonCode,
}: Pick<EndpointStatus, 'available' | 'reason' | 'reasonCode'>): Health {
  if (available) {
    return { type: 'success', text: 'Serves' };
  }
  const isChosen = reasonCode ? IS_CHOSEN[reasonCode] : false;
  return { type: isChosen ? 'stopped' : 'error', text: capitalise(reason ?? 'it does not serve') };
}

function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
