import Box from '@cloudscape-design/components/box';
import Table, { type TableProps } from '@cloudscape-design/components/table';
import { useQuery, type QueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { api, body } from '../../api/client';
import type { CertificateItem } from '../../api/schema';
import { Expiry } from '../../components/Expiry';
import { SubjectLink } from '../../components/SubjectLink';
import { useFittingColumns } from '../../components/tables';
import { DAY, HOUR } from '../../components/time-left';
import { Digest, SHOWN } from './Digest';
import { readDueCertificates, WARN_DAYS } from './due-certificates';
import { REFRESH } from './refresh';

/** The certificates that devices should have renewed by now, and that were not revoked. */
export function ExpiringCertificates() {
  // The time is fixed while the page is open, so that the list keeps its place in the cache.
  const [end] = useState(() => new Date(Date.now() + WARN_DAYS * DAY).toISOString());
  const filters = { status: 'VALID', expiringBefore: end };
  const columns = useFittingColumns(COLUMNS);
  const query = useQuery({
    queryKey: ['certificates', 'due', filters],
    queryFn: ({ client }) => loadDue(client, filters),
    refetchInterval: REFRESH,
  });
  return (
    <Digest
      title="Expires soon"
      query={query}
      more={`/certificates?${new URLSearchParams(filters).toString()}`}
    >
      {(items) => (
        <Table
          variant="embedded"
          wrapLines
          trackBy="uuid"
          items={items}
          ariaLabels={{ tableLabel: 'Certificates that expire soon' }}
          empty={
            <Box textAlign="center">
              {query.data?.isCut
                ? 'Of those that expire first, each was renewed or is not due yet. The list has the others.'
                : `Each certificate was renewed, or has more than ${WARN_DAYS} days, or a third of its lifetime, left.`}
            </Box>
          }
          columnDefinitions={columns}
        />
      )}
    </Digest>
  );
}

function loadDue(client: QueryClient, filters: { status: string; expiringBefore: string }) {
  return readDueCertificates(
    (cursor) =>
      body(api.GET('/api/v1/certificates', { params: { query: { ...filters, cursor } } })),
    (uuid) =>
      client.query({
        queryKey: ['certificates', 'renewed', uuid],
        queryFn: () => hasValidRenewal(uuid),
        // A renewal stays, so that it is not asked for at each refresh.
        staleTime: ({ state }) => (state.data ? HOUR : 0),
        gcTime: HOUR,
      }),
    Date.now(),
    SHOWN + 1,
  );
}

/** Whether a device has a certificate that renewed this one, and was not revoked since. */
async function hasValidRenewal(uuid: string): Promise<boolean> {
  const { items } = await body(
    api.GET('/api/v1/certificates', {
      params: { query: { predecessorUuid: uuid, status: 'VALID' } },
    }),
  );
  return items.length > 0;
}

const COLUMNS: TableProps.ColumnDefinition<CertificateItem>[] = [
  {
    id: 'subject',
    header: 'Subject',
    isRowHeader: true,
    cell: (item) => (
      <SubjectLink
        to={`/certificates/${item.uuid}`}
        subject={item.subject || item.serialNumber}
        commonName={item.commonName}
      />
    ),
  },
  {
    id: 'notAfter',
    header: 'Expires',
    minWidth: 160,
    cell: (item) => <Expiry value={item.notAfter} from={item.notBefore} />,
  },
];
