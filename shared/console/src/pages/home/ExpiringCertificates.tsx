import Box from '@cloudscape-design/components/box';
import Table, { type TableProps } from '@cloudscape-design/components/table';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';

import { api, body } from '../../api/client';
import type { CertificateItem, CertificatePage } from '../../api/schema';
import { Expiry } from '../../components/Expiry';
import { SubjectLink } from '../../components/SubjectLink';
import { useFittingColumns } from '../../components/tables';
import { DAY } from '../../components/time-left';
import { Digest } from './Digest';
import { dueCertificates, WARN_DAYS } from './due-certificates';
import { REFRESH } from './refresh';

/** The certificates that devices should have renewed by now, and that were not revoked. */
export function ExpiringCertificates() {
  // The time is fixed while the page is open, so that the list keeps its place in the cache.
  const [end] = useState(() => new Date(Date.now() + WARN_DAYS * DAY).toISOString());
  const filters = { status: 'VALID', expiringBefore: end };
  const columns = useFittingColumns(COLUMNS);
  const query = useQuery({
    queryKey: ['certificates', filters],
    queryFn: () =>
      body(api.GET('/api/v1/certificates', { params: { query: { ...filters, limit: '100' } } })),
    refetchInterval: REFRESH,
    select: dueNow,
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
              No certificate has less than {WARN_DAYS} days, and a third of its lifetime, left.
            </Box>
          }
          columnDefinitions={columns}
        />
      )}
    </Digest>
  );
}

function dueNow({ items, cursor }: CertificatePage) {
  return { items: dueCertificates(items, Date.now()), cursor };
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
