import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import ExpandableSection from '@cloudscape-design/components/expandable-section';
import Header from '@cloudscape-design/components/header';
import SegmentedControl from '@cloudscape-design/components/segmented-control';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Spinner from '@cloudscape-design/components/spinner';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useState } from 'react';

import { api, body } from '../../api/client';
import { Loaded } from '../../components/Loaded';
import { PageLink } from '../../components/PageLink';
import { isEmpty, periodQuery, PERIODS } from './activity-series';
import { ActivityTable } from './ActivityTable';
import { REFRESH } from './refresh';

// The chart is the largest part of the page, and can come last.
const ActivityChart = lazy(() => import('./ActivityChart'));

/** Enrolments, renewals and refusals over time, as a chart and as a table. */
export function Activity() {
  const [id, setId] = useState(PERIODS[0].id);
  const period = PERIODS.find((period) => period.id === id) ?? PERIODS[0];
  const query = useQuery({
    queryKey: ['statistics', id],
    queryFn: () =>
      body(api.GET('/api/v1/statistics', { params: { query: periodQuery(period, Date.now()) } })),
    placeholderData: keepPreviousData,
    refetchInterval: REFRESH,
  });
  return (
    <Container
      header={
        <Header
          variant="h2"
          description={
            <>
              What devices asked for, and why they were refused.{' '}
              {period.by === 'day' && 'Days begin at midnight in UTC. '}
              <PageLink to="/requests?outcome=REFUSED">Refused requests</PageLink>
            </>
          }
          actions={
            <SegmentedControl
              label="Time"
              selectedId={id}
              options={PERIODS}
              onChange={({ detail }) => setId(detail.selectedId)}
            />
          }
        >
          Requests
        </Header>
      }
    >
      <Loaded query={query}>
        {({ by, items }) =>
          isEmpty(items) ? (
            <Box textAlign="center" padding="l" color="text-body-secondary">
              No device has asked for anything in this time. Give devices the URL of an endpoint
              below, and a challenge.
            </Box>
          ) : (
            <SpaceBetween size="m">
              <Suspense fallback={<ChartSpace />}>
                <ActivityChart items={items} by={by} />
              </Suspense>
              <ExpandableSection headerText="The same as a table">
                <ActivityTable items={items} by={by} />
              </ExpandableSection>
            </SpaceBetween>
          )
        }
      </Loaded>
    </Container>
  );
}

/** Keeps the place of the chart, so that what is below it does not jump. */
function ChartSpace() {
  return (
    <Box textAlign="center" padding={{ vertical: 'xxxl' }}>
      <Spinner size="large" /> <span role="status">Loading</span>
    </Box>
  );
}
