import Box from '@cloudscape-design/components/box';
import Table from '@cloudscape-design/components/table';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';

import { api, body } from '../../api/client';
import { Expiry } from '../../components/Expiry';
import { PageLink } from '../../components/PageLink';
import { DAY, isDue } from '../../components/remaining-time';
import { Digest } from './Digest';
import { REFRESH } from './refresh';

const DAYS = 30;

/** The certificates that expire soon and were not revoked. */
export function ExpiringCertificates() {
  // The time is fixed while the page is open, so that the list keeps its place in the cache.
  const [end] = useState(() => new Date(Date.now() + DAYS * DAY).toISOString());
  const filters = { status: 'VALID', expiringBefore: end };
  const query = useQuery({
    queryKey: ['certificates', filters],
    queryFn: () => body(api.GET('/api/v1/certificates', { params: { query: filters } })),
    refetchInterval: REFRESH,
    // A certificate for a day is not to be renewed as soon as it is issued.
    select: ({ items, cursor }) => ({
      items: items.filter((item) => isDue(item.notBefore, item.notAfter, DAYS)),
      cursor: cursor ?? null,
    }),
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
              No certificate that is due for renewal expires within {DAYS} days.
            </Box>
          }
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
              minWidth: 150,
              cell: (item) => <Expiry since={item.notBefore} value={item.notAfter} />,
            },
          ]}
        />
      )}
    </Digest>
  );
}
