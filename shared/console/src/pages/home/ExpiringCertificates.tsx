import Box from '@cloudscape-design/components/box';
import Table from '@cloudscape-design/components/table';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';

import { api, body } from '../../api/client';
import { PageLink } from '../../components/PageLink';
import { Time } from '../../components/Time';
import { Digest } from './Digest';
import { REFRESH } from './refresh';

const DAYS = 30;

/** The certificates that expire soon and were not revoked. */
export function ExpiringCertificates() {
  // The time is fixed while the page is open, so that the list keeps its place in the cache.
  const [end] = useState(() => new Date(Date.now() + DAYS * 86_400_000).toISOString());
  const filters = { status: 'VALID', expiringBefore: end };
  const query = useQuery({
    queryKey: ['certificates', filters],
    queryFn: () => body(api.GET('/api/v1/certificates', { params: { query: filters } })),
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
          empty={<Box textAlign="center">No certificate expires within {DAYS} days.</Box>}
          columnDefinitions={[
            {
              id: 'subject',
              header: 'Subject',
              isRowHeader: true,
              cell: (item) => (
                <PageLink to={`/certificates/${item.uuid}`}>
                  {item.subject || item.serialNumber}
                </PageLink>
              ),
            },
            {
              id: 'notAfter',
              header: 'Expires',
              cell: (item) => <Time value={item.notAfter} dateOnly />,
            },
          ]}
        />
      )}
    </Digest>
  );
}
