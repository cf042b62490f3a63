import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';

import { useDenial } from '../../api/caller';
import { api, body } from '../../api/client';
import type { RaProfileView, ScepView } from '../../api/schema';
import { ActionButton } from '../../components/ActionButton';
import { CopyText } from '../../components/CopyText';
import { SelectField } from '../../components/forms/inputs';
import { Loaded } from '../../components/Loaded';
import { useNotify } from '../../components/notifications';
import { PageLink } from '../../components/PageLink';
import { activate, deactivate } from '../../components/profiles/links';
import { EndpointState } from '../../components/profiles/ProfileState';
import { useProfilesChanged, useScepProfiles, useStatus } from '../../api/queries';

/** Which SCEP Profile is activated on an RA Profile, and the URL that results. */
export function ScepActivation({ profile }: { profile: RaProfileView }) {
  const { uuid } = profile;
  const query = useQuery({
    queryKey: ['raProfiles', uuid, 'scep'],
    queryFn: () =>
      body(api.GET('/api/v1/raProfiles/{uuid}/protocols/scep', { params: { path: { uuid } } })),
  });
  return (
    <Container
      header={
        <Header
          variant="h2"
          description="The RA Profile has its own endpoint while a SCEP Profile is activated on it."
        >
          SCEP
        </Header>
      }
    >
      <Loaded query={query}>{(scep) => <Activation profile={profile} scep={scep} />}</Loaded>
    </Container>
  );
}

function Activation({ profile, scep }: { profile: RaProfileView; scep: ScepView }) {
  const denial = useDenial('write');
  const scepProfiles = useScepProfiles();
  const { succeed, fail } = useNotify();
  const changed = useProfilesChanged();
  const [chosen, setChosen] = useState('');
  const activation = useMutation({
    mutationFn: () => activate(profile.uuid, chosen),
    onSuccess: async () => {
      setChosen('');
      await changed();
      succeed('SCEP is activated.');
    },
    onError: (error) => fail('SCEP was not activated', error),
  });
  const deactivation = useMutation({
    mutationFn: () => deactivate(profile.uuid),
    onSuccess: async () => {
      await changed();
      succeed('SCEP is deactivated.');
    },
    onError: (error) => fail('SCEP was not deactivated', error),
  });

  return (
    <SpaceBetween size="l">
      {scep.scepAvailable ? (
        <ActiveProfile profile={profile} scep={scep} />
      ) : (
        <div>No SCEP Profile is activated, so the RA Profile has no endpoint.</div>
      )}
      <SelectField
        label={scep.scepAvailable ? 'Another SCEP Profile' : 'SCEP Profile'}
        path="scepProfileUuid"
        explanation="How SCEP is spoken at the URL, and who vouches for devices there."
        placeholder="Choose a SCEP Profile"
        empty="There is no SCEP Profile yet: create one first."
        choices={(scepProfiles.data ?? []).map(({ uuid, name, description, enabled }) => ({
          value: uuid,
          label: enabled ? name : `${name} (disabled)`,
          description,
        }))}
        value={chosen}
        onChange={setChosen}
      />
      <SpaceBetween direction="horizontal" size="xs">
        <ActionButton
          onClick={() => activation.mutate()}
          busy={activation.isPending}
          denial={denial ?? (chosen === '' ? 'Choose a SCEP Profile first.' : undefined)}
        >
          Activate
        </ActionButton>
        {scep.scepAvailable && (
          <ActionButton
            onClick={() => deactivation.mutate()}
            busy={deactivation.isPending}
            denial={denial}
          >
            Deactivate
          </ActionButton>
        )}
      </SpaceBetween>
    </SpaceBetween>
  );
}

function ActiveProfile({ profile, scep }: { profile: RaProfileView; scep: ScepView }) {
  const status = useStatus();
  const endpoint = status.data?.endpoints.find(
    ({ raProfileUuid }) => raProfileUuid === profile.uuid,
  );
  return (
    <KeyValuePairs
      columns={3}
      items={[
        {
          label: 'SCEP Profile',
          value: scep.uuid && (
            <PageLink to={`/scep-profiles/${scep.uuid}`}>{scep.name ?? scep.uuid}</PageLink>
          ),
        },
        { label: 'SCEP URL', value: scep.url && <CopyText text={scep.url} name="the URL" /> },
        { label: 'Endpoint', value: <EndpointState endpoint={endpoint} /> },
      ]}
    />
  );
}
