import type { ServerStatus } from '../../api/schema';
import { useStatus } from '../../api/queries';
import { REFRESH } from './refresh';

/** A part of the health of the server, which is read once for all of the page, and kept up to date.
 *  @param enabled - whether the caller may see it. */
export function useCurrentStatus<T>(select: (status: ServerStatus) => T, enabled = true) {
  return useStatus({ select, enabled, refetchInterval: REFRESH });
}
