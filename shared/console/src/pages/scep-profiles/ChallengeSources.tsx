import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';

import { useDenial } from '../../api/caller';
import type { ScepProfileView } from '../../api/schema';
import { CopyText } from '../../components/CopyText';
import { PageButton } from '../../components/PageButton';
import { SCEP_PROFILE_LABELS } from '../../components/scep-profile/labels';
import { NOTIFICATIONS, SOURCES } from '../../components/scep-profile/sources';
import { SourceTest } from './SourceTest';

/** Who vouches for the enrolments of a profile. */
export function ChallengeSources({ profile }: { profile: ScepProfileView }) {
  const { challengeSources: sources, uuid } = profile;
  const denial = useDenial('challenge', 'write');
  return (
    <Container
      header={
        <Header
          variant="h2"
          description="An enrolment is accepted when one of these accepts its challenge. They are asked in this order."
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <PageButton to={`/challenges?profile=${uuid}`}>Challenges and lock-outs</PageButton>
              {sources.includes('ONE_TIME') && (
                <PageButton to={`/challenges/${uuid}/new`} denial={denial}>
                  Make challenges
                </PageButton>
              )}
            </SpaceBetween>
          }
        >
          Challenge sources
        </Header>
      }
    >
      <SpaceBetween size="l">
        {sources.length === 0 && <Nobody isApproved={profile.requireManualApproval} />}
        {SOURCES.filter(({ value }) => sources.includes(value)).map(
          ({ value, label, description }) => (
            <div key={value}>
              <Box variant="h3">{label}</Box>
              <Box color="text-body-secondary">{description}</Box>
              {value === 'INTUNE' && <IntuneSettings profile={profile} />}
            </div>
          ),
        )}
        <WebhookSettings profile={profile} />
      </SpaceBetween>
    </Container>
  );
}

function Nobody({ isApproved }: { isApproved: boolean }) {
  return isApproved ? (
    <div>There is no challenge source: an administrator approves each enrolment.</div>
  ) : (
    <Alert type="info">
      There is no challenge source, so every enrolment is refused. Edit the profile, and choose a
      source.
    </Alert>
  );
}

function IntuneSettings({ profile }: { profile: ScepProfileView }) {
  const isFederated = profile.intuneCredential === 'FEDERATED';
  return (
    <SpaceBetween size="s">
      <KeyValuePairs
        columns={3}
        items={[
          { label: 'Tenant', value: profile.intuneTenant ?? 'None' },
          { label: 'Application id', value: profile.intuneApplicationId ?? 'None' },
          {
            label: 'Credential',
            value: isFederated ? (
              <>
                Federated; its subject is <CopyText text={profile.uuid} name="the subject" />
              </>
            ) : (
              'Client secret, stored encrypted'
            ),
          },
        ]}
      />
      <SourceTest uuid={profile.uuid} source="INTUNE" name="Intune" />
    </SpaceBetween>
  );
}

function WebhookSettings({ profile }: { profile: ScepProfileView }) {
  const { webhook } = profile;
  if (!webhook) {
    return null;
  }
  const events = NOTIFICATIONS.filter(({ value }) => webhook.notify.includes(value));
  return (
    <div>
      <Box variant="h3">Settings of the webhook</Box>
      <SpaceBetween size="s">
        <KeyValuePairs
          columns={3}
          items={[
            { label: 'URL', value: webhook.url },
            {
              label: SCEP_PROFILE_LABELS['webhook.timeoutSeconds'],
              value: `${webhook.timeoutSeconds} seconds`,
            },
            { label: SCEP_PROFILE_LABELS['webhook.gate'], value: webhook.gate ? 'Yes' : 'No' },
            {
              label: SCEP_PROFILE_LABELS['webhook.notify'],
              value: events.map(({ label }) => label).join(', ') || 'None',
            },
          ]}
        />
        <SourceTest uuid={profile.uuid} source="WEBHOOK" name="the webhook" />
      </SpaceBetween>
    </div>
  );
}
