import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Spinner from '@cloudscape-design/components/spinner';
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';

import { ApiError } from '../api/errors';

/** Shows what a query found, or that it is under way, failed, or is not for the caller. */
export function Loaded<T>({
  query,
  children,
}: {
  query: UseQueryResult<T>;
  children: (data: T) => ReactNode;
}) {
  if (query.data !== undefined) {
    return children(query.data);
  }
  if (query.isPending) {
    return (
      <Box textAlign="center" padding="xxl">
        <Spinner size="large" /> <span role="status">Loading</span>
      </Box>
    );
  }
  return <LoadError error={query.error} retry={() => void query.refetch()} />;
}

/** Says why something cannot be shown. */
export function LoadError({ error, retry }: { error: unknown; retry: () => void }) {
  if (error instanceof ApiError && error.status === 403) {
    return (
      <Alert type="warning" header="You may not see this">
        {error.message} Ask an administrator for a sign-in that may.
      </Alert>
    );
  }
  return (
    <Alert
      type="error"
      header="This cannot be shown"
      action={<Button onClick={retry}>Try again</Button>}
    >
      {error instanceof Error ? error.message : String(error)}
    </Alert>
  );
}
