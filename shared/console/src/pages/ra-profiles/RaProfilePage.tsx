import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams } from 'react-router';

import { useDenial } from '../../api/caller';
import { api, body } from '../../api/client';
import type { RaProfileView } from '../../api/schema';
import { CopyText } from '../../components/CopyText';
import { WarningList } from '../../components/forms/WarningList';
import { Loaded } from '../../components/Loaded';
import { Page } from '../../components/Page';
import { PageButton } from '../../components/PageButton';
import { PageLink } from '../../components/PageLink';
import { raProfileCalls } from '../../components/profiles/calls';
import { useProfileActions } from '../../components/profiles/ProfileActions';
import { ProfileState } from '../../components/profiles/ProfileState';
import { useAuthorities } from '../../api/queries';
import { RULE_LABELS } from '../../components/ra-profile/labels';
import { RuleList } from './RuleList';
import { ScepActivation } from './ScepActivation';

/** An RA Profile: its rules, and the SCEP Profile that is activated on it. */
export function RaProfilePage() {
  const { uuid = '' } = useParams();
  const query = useQuery({
    queryKey: ['raProfiles', uuid],
    queryFn: () => body(api.GET('/api/v1/raProfiles/{uuid}', { params: { path: { uuid } } })),
  });
  return query.data ? (
    <Details profile={query.data} />
  ) : (
    <Page title="RA Profile" parents={[{ text: 'RA Profiles', href: '/ra-profiles' }]}>
      <Loaded query={query}>{() => null}</Loaded>
    </Page>
  );
}

function Details({ profile }: { profile: RaProfileView }) {
  const denial = useDenial('write');
  const navigate = useNavigate();
  const authorities = useAuthorities();
  const authority = authorities.data?.find(({ uuid }) => uuid === profile.authorityInstanceUuid);
  const actions = useProfileActions(raProfileCalls, [profile], () => {
    void navigate('/ra-profiles');
  });
  return (
    <Page
      title={profile.name}
      description={profile.description}
      parents={[{ text: 'RA Profiles', href: '/ra-profiles' }]}
      actions={
        <SpaceBetween direction="horizontal" size="xs">
          {actions.buttons}
          <PageButton to={`/ra-profiles/${profile.uuid}/edit`} variant="primary" denial={denial}>
            Edit
          </PageButton>
        </SpaceBetween>
      }
    >
      {actions.below}
      <WarningList warnings={profile.warnings} labels={RULE_LABELS} />
      <Container header={<Header variant="h2">Profile</Header>}>
        <KeyValuePairs
          columns={3}
          items={[
            { label: 'State', value: <ProfileState enabled={profile.enabled} /> },
            {
              label: 'Authority',
              value: (
                <PageLink to={`/authorities/${profile.authorityInstanceUuid}`}>
                  {authority?.name ?? profile.authorityInstanceUuid}
                </PageLink>
              ),
            },
            { label: 'UUID', value: <CopyText text={profile.uuid} name="the UUID" /> },
          ]}
        />
      </Container>
      <ScepActivation profile={profile} />
      <RuleList template={profile.certificateTemplate} />
    </Page>
  );
}
