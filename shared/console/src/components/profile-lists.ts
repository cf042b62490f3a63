import { useQuery } from '@tanstack/react-query';

import { api, body } from '../api/client';

/** Every SCEP Profile. */
export function useScepProfiles() {
  return useQuery({
    queryKey: ['scepProfiles'],
    queryFn: () => body(api.GET('/api/v1/scepProfiles')),
  });
}

/** Every RA Profile. */
export function useRaProfiles() {
  return useQuery({
    queryKey: ['raProfiles'],
    queryFn: () => body(api.GET('/api/v1/raProfiles')),
  });
}
