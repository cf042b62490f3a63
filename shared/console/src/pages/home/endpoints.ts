import type { Status } from './types';

export type Endpoint = Status['endpoints'][number];

/** The page of the profile to which an endpoint belongs. */
export function endpointPath({ scepProfileUuid, raProfileUuid }: Endpoint): string {
  return scepProfileUuid
    ? `/scep-profiles/${scepProfileUuid}`
    : `/ra-profiles/${raProfileUuid ?? ''}`;
}
