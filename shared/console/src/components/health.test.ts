import { expect, test } from 'vitest';

import type { UnavailabilityReason } from '../api/schema';
import { endpointHealth } from './health';

test('what an administrator has chosen is no fault of an endpoint', () => {
  const health = (reasonCode: UnavailabilityReason) =>
    endpointHealth({ available: false, reason: 'as the server says', reasonCode });
  expect(health('raProfileDisabled')).toEqual({ type: 'stopped', text: 'As the server says' });
  expect(health('withoutDefaultRaProfile').type).toBe('stopped');
  expect(health('raCertificateExpired').type).toBe('error');
  expect(endpointHealth({ available: true })).toEqual({ type: 'success', text: 'Serves' });
  expect(endpointHealth({ available: false }).type).toBe('error');
});
