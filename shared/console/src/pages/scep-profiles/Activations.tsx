import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table from '@cloudscape-design/components/table';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';

import { useDenial } from '../../api/caller';
import type { RaProfileView, ScepProfileView } from '../../api/schema';
import { ActionButton } from '../../components/ActionButton';
import { CopyText } from '../../components/CopyText';
import { SelectField } from '../../components/forms/inputs';
import { Loaded } from '../../components/Loaded';
import { useNotify } from '../../components/notifications';
import { PageLink } from '../../components/PageLink';
import { activate, deactivate, makeDefault } from '../../components/profiles/links';
import { EndpointState } from '../../components/profiles/ProfileState';
import { useProfilesChanged, useRaProfiles, useStatus } from '../../api/queries';

/** The RA Profiles that a SCEP Profile leads to: its default, and those it is activated on. */
export function Activations({ profile }: { profile: ScepProfileView }) {
  const query = useRaProfiles();
  return (
    <Container
      header={
        <Header
          variant="h2"
          description="The rules and the authority of the default RA Profile apply at the SCEP URL above. Each RA Profile on which this SCEP Profile is activated has its own endpoint."
        >
          RA Profiles
        </Header>
      }
    >
      <Loaded query={query}>
        {(raProfiles) => <Links profile={profile} raProfiles={raProfiles} />}
      </Loaded>
    </Container>
  );
}

function Links({ profile, raProfiles }: { profile: ScepProfileView; raProfiles: RaProfileView[] }) {
  const denial = useDenial('write');
  const status = useStatus();
  const { succeed, fail } = useNotify();
  const changed = useProfilesChanged();
  const [chosen, setChosen] = useState('');
  const action = useMutation({
    mutationFn: async ({ act }: { act: () => Promise<unknown>; done: string }) => act(),
    onSuccess: async (_, { done }) => {
      setChosen('');
      await changed();
      succeed(done);
    },
    onError: (error) => fail('The link was not changed', error),
  });
  const linked = raProfiles.filter(
    ({ uuid, scepProfileUuid }) =>
      scepProfileUuid === profile.uuid || uuid === profile.raProfile?.uuid,
  );
  const refusal = denial ?? (chosen === '' ? 'Choose an RA Profile first.' : undefined);
  const nameOf = (uuid: string) => raProfiles.find((item) => item.uuid === uuid)?.name ?? uuid;

  return (
    <SpaceBetween size="l">
      <Table<RaProfileView>
        variant="embedded"
        wrapLines
        trackBy="uuid"
        items={linked}
        ariaLabels={{ tableLabel: 'RA Profiles' }}
        empty="No RA Profile is linked yet, so no device can enrol. Choose one below."
        columnDefinitions={[
          {
            id: 'name',
            header: 'RA Profile',
            minWidth: 130,
            isRowHeader: true,
            cell: ({ uuid, name }) => (
              <>
                <PageLink to={`/ra-profiles/${uuid}`}>{name}</PageLink>
                {uuid === profile.raProfile?.uuid && ' (default)'}
              </>
            ),
          },
          {
            id: 'url',
            header: 'Endpoint',
            minWidth: 260,
            cell: (item) => {
              const endpoint = status.data?.endpoints.find(
                ({ raProfileUuid }) => raProfileUuid === item.uuid,
              );
              if (item.scepProfileUuid !== profile.uuid) {
                return 'Not activated here';
              }
              return (
                <>
                  {endpoint && (
                    <div>
                      <CopyText text={endpoint.url} name={`the URL of ${item.name}`} />
                    </div>
                  )}
                  <EndpointState endpoint={endpoint} />
                </>
              );
            },
          },
          {
            id: 'actions',
            header: 'Actions',
            minWidth: 120,
            cell: (item) =>
              item.scepProfileUuid === profile.uuid && (
                <ActionButton
                  variant="inline-link"
                  denial={denial}
                  onClick={() =>
                    action.mutate({
                      act: () => deactivate(item.uuid),
                      done: `Deactivated on ${item.name}.`,
                    })
                  }
                >
                  Deactivate
                </ActionButton>
              ),
          },
        ]}
      />
      <SelectField
        label="Link an RA Profile"
        path="raProfileUuid"
        explanation="Activating gives the RA Profile an endpoint with this SCEP Profile, in place of the one that it has."
        placeholder="Choose an RA Profile"
        empty="There is no RA Profile yet."
        choices={raProfiles.map(({ uuid, name, description, enabled }) => ({
          value: uuid,
          label: enabled ? name : `${name} (disabled)`,
          description,
        }))}
        value={chosen}
        onChange={setChosen}
      />
      <SpaceBetween direction="horizontal" size="xs">
        <ActionButton
          denial={refusal}
          onClick={() =>
            action.mutate({
              act: () => activate(chosen, profile.uuid),
              done: `Activated on ${nameOf(chosen)}.`,
            })
          }
        >
          Activate
        </ActionButton>
        <ActionButton
          denial={refusal}
          onClick={() =>
            action.mutate({
              act: () => makeDefault(profile.uuid, chosen),
              done: `${nameOf(chosen)} is the default.`,
            })
          }
        >
          Make default
        </ActionButton>
      </SpaceBetween>
    </SpaceBetween>
  );
}
