import StatusIndicator from '@cloudscape-design/components/status-indicator';

import { LocalTable } from '../../components/LocalTable';
import { PageLink } from '../../components/PageLink';
import { Time } from '../../components/Time';
import { healthItems } from './health';
import { useCurrentStatus } from './status';

/** Authorities, RA certificates and CRLs: how long each is still valid. */
export function HealthTable() {
  const query = useCurrentStatus((status) => healthItems(status, Date.now()));
  return (
    <LocalTable
      title="Authorities, RA certificates and CRLs"
      description="What needs attention comes first."
      query={query}
      idOf={({ id }) => id}
      nameOf={({ name }) => name}
      textOf={({ kind, name, health }) => `${kind} ${name} ${health.text}`}
      empty="There is no authority yet."
      columns={[
        {
          id: 'name',
          header: 'Name',
          isRowHeader: true,
          sortingField: 'name',
          cell: ({ name, href }) => <PageLink to={href}>{name}</PageLink>,
        },
        {
          id: 'health',
          minWidth: 210,
          header: 'State',
          cell: ({ health }) => <StatusIndicator type={health.type}>{health.text}</StatusIndicator>,
        },
        { id: 'kind', header: 'Kind', sortingField: 'kind', cell: ({ kind }) => kind },
        {
          id: 'end',
          minWidth: 180,
          header: 'Expires',
          sortingField: 'end',
          cell: ({ end }) => (end ? <Time value={end} /> : '–'),
        },
      ]}
    />
  );
}
