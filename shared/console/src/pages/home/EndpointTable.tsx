import StatusIndicator from '@cloudscape-design/components/status-indicator';

import type { ServerStatus } from '../../api/schema';
import { CopyText } from '../../components/CopyText';
import { endpointHealth, URGENCY } from '../../components/health';
import { LocalTable } from '../../components/LocalTable';
import { PageButton } from '../../components/PageButton';
import { PageLink } from '../../components/PageLink';
import { endpointPath, type Endpoint } from './endpoints';
import { useCurrentStatus } from './status';

/** Every URL at which devices may enrol: whether it serves, or why not. */
export function EndpointTable() {
  const query = useCurrentStatus(sortedEndpoints);
  return (
    <LocalTable
      title="Endpoints"
      description="The URL of each SCEP Profile and RA Profile, and whether it serves devices. Faults come first."
      query={query}
      idOf={({ url }) => url}
      nameOf={({ name }) => name}
      textOf={({ name, url, reason }) => [name, url, reason ?? 'serves'].join(' ')}
      empty={<PageButton to="/scep-profiles/new">Make a SCEP Profile</PageButton>}
      columns={[
        {
          id: 'name',
          header: 'Profile',
          isRowHeader: true,
          sortingField: 'name',
          cell: (endpoint) => <PageLink to={endpointPath(endpoint)}>{endpoint.name}</PageLink>,
        },
        {
          id: 'state',
          minWidth: 210,
          header: 'State',
          sortingComparator: (a, b) => Number(a.available) - Number(b.available),
          cell: (endpoint) => {
            const { type, text } = endpointHealth(endpoint);
            return <StatusIndicator type={type}>{text}</StatusIndicator>;
          },
        },
        {
          id: 'kind',
          header: 'Kind',
          cell: ({ scepProfileUuid }) => (scepProfileUuid ? 'SCEP Profile' : 'RA Profile'),
        },
        {
          id: 'url',
          minWidth: 300,
          header: 'URL',
          cell: ({ name, url }) => <CopyText text={url} name={`the URL of ${name}`} />,
        },
      ]}
    />
  );
}

/** What does not serve comes first. */
function sortedEndpoints({ endpoints }: ServerStatus): Endpoint[] {
  const urgency = (endpoint: Endpoint) => URGENCY[endpointHealth(endpoint).type];
  return endpoints.toSorted((a, b) => urgency(a) - urgency(b));
}
