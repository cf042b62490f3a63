import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQuery } from '@tanstack/react-query';
import { useParams } from 'react-router';

import { api, versioned } from '../../api/client';
import { Loaded } from '../../components/Loaded';
import { Page } from '../../components/Page';
import { NoChecks } from './CheckSteps';
import { Decision } from './Decision';
import { ReviewTable } from './ReviewTable';
import { TransactionFacts } from './TransactionFacts';

/** A transaction: what was asked and what will be certified, and the decision about it. */
export function TransactionPage() {
  const { uuid = '' } = useParams();
  const query = useQuery({
    queryKey: ['transactions', uuid],
    queryFn: () =>
      versioned(api.GET('/api/v1/scepTransactions/{uuid}', { params: { path: { uuid } } })),
    // What is under review does not change under the eyes of the reviewer.
    refetchOnWindowFocus: (query) => query.state.data?.object.status !== 'PENDING',
    refetchInterval: (query) => (query.state.data?.object.status === 'ISSUING' ? 3_000 : false),
  });
  return (
    <Page title="Transaction" parents={[{ text: 'Requests', href: '/requests' }]}>
      <Loaded query={query}>
        {(reviewed) => (
          <SpaceBetween size="l">
            <Container header={<Header variant="h2">The request</Header>}>
              <SpaceBetween size="m">
                <TransactionFacts transaction={reviewed.object} />
                <NoChecks />
              </SpaceBetween>
            </Container>
            <ReviewTable transaction={reviewed.object} />
            <Decision
              reviewed={reviewed}
              reload={async () => (await query.refetch({ throwOnError: true })).data}
            />
          </SpaceBetween>
        )}
      </Loaded>
    </Page>
  );
}
