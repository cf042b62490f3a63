import { useQuery } from '@tanstack/react-query';

import { api, body } from '../../api/client';
import { REFRESH } from './refresh';
import type { Status } from './types';

/** A part of the health of the server, which is read once for all of the page.
 *  @param enabled - whether the caller may see it. */
export function useStatus<T>(select: (status: Status) => T, enabled = true) {
  return useQuery({
    queryKey: ['status'],
    queryFn: () => body(api.GET('/api/v1/status')),
    refetchInterval: REFRESH,
    select,
    enabled,
  });
}
