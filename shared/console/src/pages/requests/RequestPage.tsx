import Alert from '@cloudscape-design/components/alert';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQuery } from '@tanstack/react-query';
import { useParams } from 'react-router';

import { api, body } from '../../api/client';
import { Loaded } from '../../components/Loaded';
import { Page } from '../../components/Page';
import { PageLink } from '../../components/PageLink';
import { CheckSteps, NoChecks } from './CheckSteps';
import { Failure } from './Failure';
import { RequestFacts } from './RequestFacts';

/** A request: the checks that it passed, where it stopped, and what to do about it. */
export function RequestPage() {
  const { uuid = '' } = useParams();
  const query = useQuery({
    queryKey: ['scepRequests', uuid],
    queryFn: () => body(api.GET('/api/v1/scepRequests/{uuid}', { params: { path: { uuid } } })),
  });
  return (
    <Page title="Request" parents={[{ text: 'Requests', href: '/requests' }]}>
      <Loaded query={query}>
        {(request) => (
          <SpaceBetween size="l">
            {request.transactionUuid && (
              <Alert type="info">
                This request is a transaction:{' '}
                <PageLink to={`/transactions/${request.transactionUuid}`}>
                  see what became of it
                </PageLink>
                .
              </Alert>
            )}
            {request.reason && <Failure reason={request.reason} message={request.message} />}
            <Container header={<Header variant="h2">What came in</Header>}>
              <SpaceBetween size="m">
                <RequestFacts request={request} />
                {request.checks.length === 0 && <NoChecks />}
              </SpaceBetween>
            </Container>
            {request.checks.length > 0 && (
              <Container
                header={
                  <Header
                    variant="h2"
                    description="The server makes these checks one after the other, and stops at the first that fails."
                  >
                    Checks
                  </Header>
                }
              >
                <CheckSteps checks={request.checks} />
              </Container>
            )}
          </SpaceBetween>
        )}
      </Loaded>
    </Page>
  );
}
