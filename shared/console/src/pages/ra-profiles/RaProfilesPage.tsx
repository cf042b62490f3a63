import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { useState } from 'react';

import { useDenial } from '../../api/caller';
import type { RaProfileView } from '../../api/schema';
import { durationInWords } from '../../components/durations';
import { LocalTable } from '../../components/LocalTable';
import { Page } from '../../components/Page';
import { PageButton } from '../../components/PageButton';
import { PageLink } from '../../components/PageLink';
import { raProfileCalls } from '../../components/profiles/calls';
import { useProfileActions } from '../../components/profiles/ProfileActions';
import { EndpointState, ProfileState } from '../../components/profiles/ProfileState';
import { useAuthorities, useRaProfiles, useScepProfiles, useStatus } from '../../api/queries';

/** The RA Profiles: what may be issued, and by which authority. */
export function RaProfilesPage() {
  const denial = useDenial('write');
  const query = useRaProfiles();
  const status = useStatus();
  const authorities = useAuthorities();
  const scepProfiles = useScepProfiles();
  const [chosen, setChosen] = useState<RaProfileView[]>([]);
  // What is selected is looked up again, because it may have changed since.
  const selected = (query.data ?? []).filter((item) =>
    chosen.some(({ uuid }) => uuid === item.uuid),
  );
  const actions = useProfileActions(raProfileCalls, selected, () => setChosen([]));
  const endpoints = new Map(
    status.data?.endpoints.map((endpoint) => [endpoint.raProfileUuid, endpoint]),
  );
  const authorityNames = new Map(authorities.data?.map(({ uuid, name }) => [uuid, name]));
  const scepNames = new Map(scepProfiles.data?.map(({ uuid, name }) => [uuid, name]));

  return (
    <Page
      title="RA Profiles"
      description="What may be issued: the rules for certificates, and the authority that signs them."
    >
      {actions.below}
      <LocalTable
        title="RA Profiles"
        query={query}
        idOf={({ uuid }) => uuid}
        nameOf={({ name }) => name}
        textOf={({ name, description, authorityInstanceUuid }) =>
          `${name} ${description} ${authorityNames.get(authorityInstanceUuid) ?? ''}`
        }
        selection={{ items: selected, onChange: setChosen }}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            {actions.buttons}
            <PageButton to="/ra-profiles/new" variant="primary" denial={denial}>
              Create
            </PageButton>
          </SpaceBetween>
        }
        empty={
          <SpaceBetween size="s">
            <div>There is no RA Profile yet. The first run creates all that a device needs.</div>
            <PageButton to="/first-run" denial={denial}>
              First run
            </PageButton>
          </SpaceBetween>
        }
        columns={[
          {
            id: 'name',
            header: 'Name',
            minWidth: 150,
            isRowHeader: true,
            sortingField: 'name',
            cell: ({ uuid, name }) => <PageLink to={`/ra-profiles/${uuid}`}>{name}</PageLink>,
          },
          {
            id: 'state',
            header: 'State',
            minWidth: 120,
            sortingField: 'enabled',
            cell: ({ enabled }) => <ProfileState enabled={enabled} />,
          },
          {
            id: 'authority',
            header: 'Authority',
            minWidth: 140,
            cell: ({ authorityInstanceUuid: uuid }) => (
              <PageLink to={`/authorities/${uuid}`}>{authorityNames.get(uuid) ?? uuid}</PageLink>
            ),
          },
          {
            id: 'scep',
            header: 'SCEP Profile',
            minWidth: 140,
            cell: ({ scepProfileUuid: uuid }) =>
              uuid ? (
                <PageLink to={`/scep-profiles/${uuid}`}>{scepNames.get(uuid) ?? uuid}</PageLink>
              ) : (
                'None'
              ),
          },
          {
            id: 'endpoint',
            header: 'Endpoint',
            minWidth: 200,
            cell: ({ uuid, scepProfileUuid }) => (
              <EndpointState endpoint={scepProfileUuid ? endpoints.get(uuid) : undefined} />
            ),
          },
          {
            id: 'validity',
            header: 'Validity',
            minWidth: 110,
            cell: ({ certificateTemplate: { validity } }) =>
              durationInWords(validity ?? '') ?? validity,
          },
          {
            id: 'warnings',
            header: 'Warnings',
            minWidth: 110,
            sortingComparator: (a, b) => a.warnings.length - b.warnings.length,
            cell: ({ warnings }) =>
              warnings.length === 0 ? (
                'None'
              ) : (
                <StatusIndicator type="warning">{warnings.length}</StatusIndicator>
              ),
          },
        ]}
      />
    </Page>
  );
}
