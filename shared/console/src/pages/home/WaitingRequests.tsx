import Box from '@cloudscape-design/components/box';
import Table, { type TableProps } from '@cloudscape-design/components/table';
import { useQuery } from '@tanstack/react-query';

import { api, body } from '../../api/client';
import type { TransactionItem } from '../../api/schema';
import { PageLink } from '../../components/PageLink';
import { useFittingColumns } from '../../components/tables';
import { Time } from '../../components/Time';
import { Digest } from './Digest';
import { REFRESH } from './refresh';

/** The requests that wait for an administrator's approval. */
export function WaitingRequests() {
  const columns = useFittingColumns(COLUMNS);
  const query = useQuery({
    queryKey: ['transactions', { status: 'PENDING' }],
    queryFn: () =>
      body(api.GET('/api/v1/scepTransactions', { params: { query: { status: 'PENDING' } } })),
    select: ({ items, cursor }) => ({ items, isCut: Boolean(cursor) }),
    refetchInterval: REFRESH,
  });
  return (
    <Digest title="Waits for approval" query={query} more="/requests?outcome=PENDING">
      {(items) => (
        <Table
          variant="embedded"
          wrapLines
          trackBy="uuid"
          items={items}
          ariaLabels={{ tableLabel: 'Requests that wait for approval' }}
          empty={<Box textAlign="center">No request waits for approval.</Box>}
          columnDefinitions={columns}
        />
      )}
    </Digest>
  );
}

const COLUMNS: TableProps.ColumnDefinition<TransactionItem>[] = [
  {
    id: 'subject',
    header: 'Subject',
    isRowHeader: true,
    cell: (item) => (
      <PageLink to={`/transactions/${item.uuid}`}>{item.subject || item.transactionId}</PageLink>
    ),
  },
  { id: 'profile', header: 'Profile', cell: (item) => item.scepProfile.name ?? '–' },
  { id: 'at', header: 'Since', cell: (item) => <Time value={item.createdAt} /> },
];
