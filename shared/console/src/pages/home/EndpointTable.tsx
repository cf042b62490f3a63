import StatusIndicator from '@cloudscape-design/components/status-indicator';

import { CopyText } from '../../components/CopyText';
import { LocalTable } from '../../components/LocalTable';
import { PageButton } from '../../components/PageButton';
import { PageLink } from '../../components/PageLink';
import { endpointHealth } from './health';
import { useStatus } from './status';
import type { Status } from './types';

type Endpoint = Status['endpoints'][number];

/** Every URL at which devices may enrol: whether it serves, or why not. */
export function EndpointTable() {
  const query = useStatus(({ endpoints }) => endpoints);
  return (
    <LocalTable
      title="Endpoints"
      description="The URL of each SCEP Profile and RA Profile, and whether it serves devices."
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
          cell: (endpoint) => <PageLink to={profilePath(endpoint)}>{endpoint.name}</PageLink>,
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

function profilePath({ scepProfileUuid, raProfileUuid }: Endpoint): string {
  return scepProfileUuid
    ? `/scep-profiles/${scepProfileUuid}`
    : `/ra-profiles/${raProfileUuid ?? ''}`;
}
