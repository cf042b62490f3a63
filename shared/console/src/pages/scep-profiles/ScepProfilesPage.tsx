import Badge from '@cloudscape-design/components/badge';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { useState } from 'react';

import { useDenial } from '../../api/caller';
import type { ScepProfileView } from '../../api/schema';
import { LocalTable } from '../../components/LocalTable';
import { Page } from '../../components/Page';
import { PageButton } from '../../components/PageButton';
import { PageLink } from '../../components/PageLink';
import { scepProfileCalls } from '../../components/profiles/calls';
import { useProfileActions } from '../../components/profiles/ProfileActions';
import { EndpointState, ProfileState } from '../../components/profiles/ProfileState';
import { useScepProfiles, useStatus } from '../../api/queries';
import { sourceName } from '../../components/scep-profile/sources';

/** The SCEP Profiles: how SCEP is spoken, and who vouches for enrolments. */
export function ScepProfilesPage() {
  const denial = useDenial('write');
  const query = useScepProfiles();
  const status = useStatus();
  const [chosen, setChosen] = useState<ScepProfileView[]>([]);
  // What is selected is looked up again, because it may have changed since.
  const selected = (query.data ?? []).filter((item) =>
    chosen.some(({ uuid }) => uuid === item.uuid),
  );
  const actions = useProfileActions(scepProfileCalls, selected, () => setChosen([]));
  const endpoints = new Map(
    status.data?.endpoints.map((endpoint) => [endpoint.scepProfileUuid, endpoint]),
  );

  return (
    <Page
      title="SCEP Profiles"
      description="How SCEP is spoken at a URL, and who vouches for the devices that enrol there."
    >
      {actions.below}
      <LocalTable
        title="SCEP Profiles"
        query={query}
        idOf={({ uuid }) => uuid}
        nameOf={({ name }) => name}
        textOf={({ name, description, raProfile }) =>
          `${name} ${description} ${raProfile?.name ?? ''}`
        }
        selection={{ items: selected, onChange: setChosen }}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            {actions.buttons}
            <PageButton to="/scep-profiles/new" variant="primary" denial={denial}>
              Create
            </PageButton>
          </SpaceBetween>
        }
        empty={
          <SpaceBetween size="s">
            <div>There is no SCEP Profile yet. The first run creates all that a device needs.</div>
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
            cell: ({ uuid, name }) => <PageLink to={`/scep-profiles/${uuid}`}>{name}</PageLink>,
          },
          {
            id: 'state',
            header: 'State',
            minWidth: 120,
            sortingField: 'enabled',
            cell: ({ enabled }) => <ProfileState enabled={enabled} />,
          },
          {
            id: 'endpoint',
            header: 'Endpoint',
            minWidth: 200,
            cell: ({ uuid }) => <EndpointState endpoint={endpoints.get(uuid)} />,
          },
          {
            id: 'raProfile',
            header: 'Default RA Profile',
            minWidth: 150,
            cell: ({ raProfile }) =>
              raProfile ? (
                <PageLink to={`/ra-profiles/${raProfile.uuid}`}>{raProfile.name}</PageLink>
              ) : (
                'None'
              ),
          },
          {
            id: 'sources',
            header: 'Challenge sources',
            minWidth: 220,
            cell: ({ challengeSources }) => (
              <SpaceBetween direction="horizontal" size="xxs">
                {challengeSources.map((source) => (
                  <Badge key={source}>{sourceName(source)}</Badge>
                ))}
                {challengeSources.length === 0 && 'Nobody'}
              </SpaceBetween>
            ),
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
