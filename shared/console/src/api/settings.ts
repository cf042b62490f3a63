import { useQuery } from '@tanstack/react-query';

import { api, body } from './client';

/** The settings of the server, which say on what it runs. They change only when it is restarted. */
export function useSettings() {
  return useQuery({
    queryKey: ['settings'],
    queryFn: () => body(api.GET('/api/v1/settings')),
    staleTime: Infinity,
  });
}
