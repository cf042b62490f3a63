import type { ServerStatus } from '../../api/schema';

export type Endpoint = ServerStatus['endpoints'][number];

/** The page of the profile to which an endpoint belongs. */
export function endpointPath({ scepProfileUuid, raProfileUuid }: Endpoint): string {
  return scepProfileUuid
    ? `/scep-profiles/${scepProfileUuid}`
    : `/ra-profiles/${raProfileUuid ?? ''}`;
}
