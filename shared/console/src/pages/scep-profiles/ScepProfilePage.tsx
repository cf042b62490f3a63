import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams } from 'react-router';

import { useDenial } from '../../api/caller';
import { api, body } from '../../api/client';
import type { ScepProfileView } from '../../api/schema';
import { CopyText } from '../../components/CopyText';
import { WarningList } from '../../components/forms/WarningList';
import { Loaded } from '../../components/Loaded';
import { Page } from '../../components/Page';
import { PageButton } from '../../components/PageButton';
import { PageLink } from '../../components/PageLink';
import { scepProfileCalls } from '../../components/profiles/calls';
import { useProfileActions } from '../../components/profiles/ProfileActions';
import { EndpointState, ProfileState } from '../../components/profiles/ProfileState';
import { useStatus } from '../../api/queries';
import { SCEP_PROFILE_LABELS } from '../../components/scep-profile/labels';
import { Time } from '../../components/Time';
import { Activations } from './Activations';
import { ChallengeSources } from './ChallengeSources';

/** A SCEP Profile: what it serves, to whom, and what it is linked to. */
export function ScepProfilePage() {
  const { uuid = '' } = useParams();
  const query = useQuery({
    queryKey: ['scepProfiles', uuid],
    queryFn: () => body(api.GET('/api/v1/scepProfiles/{uuid}', { params: { path: { uuid } } })),
  });
  return query.data ? (
    <Details profile={query.data} />
  ) : (
    <Page title="SCEP Profile" parents={[{ text: 'SCEP Profiles', href: '/scep-profiles' }]}>
      <Loaded query={query}>{() => null}</Loaded>
    </Page>
  );
}

function Details({ profile }: { profile: ScepProfileView }) {
  const denial = useDenial('write');
  const navigate = useNavigate();
  const actions = useProfileActions(scepProfileCalls, [profile], () => {
    void navigate('/scep-profiles');
  });
  return (
    <Page
      title={profile.name}
      description={profile.description}
      parents={[{ text: 'SCEP Profiles', href: '/scep-profiles' }]}
      actions={
        <SpaceBetween direction="horizontal" size="xs">
          {actions.buttons}
          <PageButton to={`/scep-profiles/${profile.uuid}/edit`} variant="primary" denial={denial}>
            Edit
          </PageButton>
        </SpaceBetween>
      }
    >
      {actions.below}
      <WarningList warnings={profile.warnings} labels={SCEP_PROFILE_LABELS} />
      <Endpoint profile={profile} />
      <ChallengeSources profile={profile} />
      <Activations profile={profile} />
      <Settings profile={profile} />
    </Page>
  );
}

function Endpoint({ profile }: { profile: ScepProfileView }) {
  const status = useStatus();
  const endpoint = status.data?.endpoints.find(
    ({ scepProfileUuid }) => scepProfileUuid === profile.uuid,
  );
  const { caCertificate } = profile;
  return (
    <Container header={<Header variant="h2">Overview</Header>}>
      <KeyValuePairs
        columns={2}
        items={[
          { label: 'State', value: <ProfileState enabled={profile.enabled} /> },
          { label: 'Endpoint', value: <EndpointState endpoint={endpoint} /> },
          {
            label: 'SCEP URL',
            value: profile.scepUrl ? (
              <CopyText text={profile.scepUrl} name="the SCEP URL" />
            ) : (
              'None until the profile has a default RA Profile.'
            ),
          },
          {
            label: 'RA certificate',
            value: caCertificate ? (
              <div>
                <PageLink to={`/authorities/${caCertificate.authorityUuid}`}>
                  {caCertificate.certificate.subject}
                </PageLink>
                , until <Time value={caCertificate.certificate.notAfter} dateOnly />
              </div>
            ) : (
              'None: it was deleted. Edit the profile, and choose another one.'
            ),
          },
        ]}
      />
    </Container>
  );
}

function Settings({ profile }: { profile: ScepProfileView }) {
  const { certificateAssociations: associations } = profile;
  const attributes = [...profile.customAttributes, ...profile.issueCertificateAttributes];
  return (
    <Container header={<Header variant="h2">Settings</Header>}>
      <KeyValuePairs
        columns={3}
        items={[
          {
            label: SCEP_PROFILE_LABELS.requireManualApproval,
            value: yesOrNo(profile.requireManualApproval),
          },
          {
            label: 'Renewal',
            value: profile.renewThreshold
              ? `From ${profile.renewThreshold} days before expiry`
              : 'In the second half of the lifetime',
          },
          { label: SCEP_PROFILE_LABELS.allowProxySigner, value: yesOrNo(profile.allowProxySigner) },
          {
            label: SCEP_PROFILE_LABELS.caCertificateForm,
            value:
              profile.caCertificateForm === 'chain'
                ? 'RA certificate and chain'
                : 'RA certificate only',
          },
          {
            label: SCEP_PROFILE_LABELS.legacyAlgorithms,
            value: yesOrNo(profile.legacyAlgorithms),
          },
          {
            label: 'Responses contain',
            value: profile.includeCaCertificateChain
              ? 'The certificate and its whole chain'
              : profile.includeCaCertificate
                ? 'The certificate and its issuer’s'
                : 'The certificate',
          },
          { label: 'Owner of certificates', value: associations.owner ?? 'None' },
          { label: 'Groups of certificates', value: associations.groups.join(', ') || 'None' },
          {
            label: 'Other attributes of certificates',
            value: attributes.map(({ name }) => name).join(', ') || 'None',
          },
          { label: 'UUID', value: <CopyText text={profile.uuid} name="the UUID" /> },
        ]}
      />
    </Container>
  );
}

function yesOrNo(value: boolean): string {
  return value ? 'Yes' : 'No';
}
