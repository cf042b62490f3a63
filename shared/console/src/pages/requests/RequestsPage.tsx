import Box from '@cloudscape-design/components/box';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { useQueryClient } from '@tanstack/react-query';

import { api, body } from '../../api/client';
import { ActionButton } from '../../components/ActionButton';
import { CursorTable } from '../../components/CursorTable';
import { Page } from '../../components/Page';
import { PageButton } from '../../components/PageButton';
import { PageLink } from '../../components/PageLink';
import { refusalReason } from '../../components/refusals/reasons';
import { Time } from '../../components/Time';
import { usedFilters, useUrlState } from '../../components/url-state';
import { outcomeOf } from './outcomes';
import { requestPath } from './paths';
import { FILTER_NAMES, RequestFilterInputs } from './RequestFilters';

const REFRESH = 30_000;

/** What devices asked for, and what became of it. */
export function RequestsPage() {
  const [filters, setFilters] = useUrlState(FILTER_NAMES);
  const queryClient = useQueryClient();
  const used = usedFilters(filters);
  const isFiltered = Object.keys(used).length > 0;
  const clear = () => setFilters(Object.fromEntries(FILTER_NAMES.map((name) => [name, ''])));
  return (
    <Page
      title="Requests"
      description="Newest first, with why a device did not get what it asked for. At most ten refusals a minute are listed for each profile and reason; all are counted on the first page."
    >
      <CursorTable
        title="What devices asked for"
        queryKey={['scepRequests', used]}
        load={(cursor) =>
          body(
            api.GET('/api/v1/scepRequests', {
              params: { query: { ...used, cursor, limit: '50' } },
            }),
          )
        }
        refetchInterval={REFRESH}
        idOf={({ uuid }) => uuid}
        nameOf={({ subject, uuid }) => subject ?? uuid}
        filter={<RequestFilterInputs filters={filters} onChange={setFilters} />}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            {isFiltered && <ActionButton onClick={clear}>Clear the filters</ActionButton>}
            <ActionButton
              iconName="refresh"
              onClick={() => void queryClient.invalidateQueries({ queryKey: ['scepRequests'] })}
            >
              Refresh
            </ActionButton>
          </SpaceBetween>
        }
        empty={isFiltered ? <NoMatch onClear={clear} /> : <NoRequest />}
        columns={[
          {
            id: 'at',
            minWidth: 200,
            header: 'Time',
            isRowHeader: true,
            cell: (item) => (
              <PageLink to={requestPath(item)}>
                <Time value={item.at} seconds />
              </PageLink>
            ),
          },
          {
            id: 'outcome',
            minWidth: 200,
            header: 'Outcome',
            cell: ({ outcome }) => {
              const { type, text } = outcomeOf(outcome);
              return <StatusIndicator type={type}>{text}</StatusIndicator>;
            },
          },
          {
            id: 'profile',
            minWidth: 130,
            header: 'SCEP Profile',
            cell: ({ scepProfile }) => (
              <PageLink to={`/scep-profiles/${scepProfile.uuid}`}>
                {scepProfile.name ?? scepProfile.uuid}
              </PageLink>
            ),
          },
          {
            id: 'subject',
            minWidth: 220,
            header: 'Subject',
            cell: ({ subject }) => subject || '–',
          },
          {
            id: 'reason',
            minWidth: 240,
            header: 'Reason',
            cell: ({ reason, message }) => (reason ? refusalReason(reason).title : message || '–'),
          },
        ]}
      />
    </Page>
  );
}

function NoMatch({ onClear }: { onClear: () => void }) {
  return (
    <SpaceBetween size="xs">
      <Box>No request matches the filters.</Box>
      <ActionButton onClick={onClear}>Clear the filters</ActionButton>
    </SpaceBetween>
  );
}

function NoRequest() {
  return (
    <SpaceBetween size="xs">
      <Box>No device has asked for a certificate yet. Give one the URL of an endpoint.</Box>
      <PageButton to="/first-run">See how a device enrols</PageButton>
    </SpaceBetween>
  );
}
