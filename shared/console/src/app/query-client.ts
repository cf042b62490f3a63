import { QueryClient } from '@tanstack/react-query';

import { ApiError } from '../api/errors';
import { session } from '../sign-in/session';

/** What pages know of the server. A refusal is not asked again; silence is, twice. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      retry: (failures, error) => isPassing(error) && failures < 2,
    },
  },
});

// Whoever signs in next may be somebody else, who may see other things.
session.subscribe(() => {
  if (session.state === 'signed-out') {
    queryClient.clear();
  } else if (session.state === 'signed-in') {
    void queryClient.invalidateQueries();
  }
});

function isPassing(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 0 || error.status === 503);
}
