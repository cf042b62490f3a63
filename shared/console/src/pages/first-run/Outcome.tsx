import Alert from '@cloudscape-design/components/alert';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';

import { useDenial } from '../../api/caller';
import { ActionButton } from '../../components/ActionButton';
import { CopyText } from '../../components/CopyText';
import { TextField } from '../../components/forms/inputs';
import { Section } from '../../components/forms/Section';
import { WarningList } from '../../components/forms/WarningList';
import { LeaveWarning } from '../../components/LeaveGuard';
import { useNotify } from '../../components/notifications';
import { PageButton } from '../../components/PageButton';
import { SCEP_PROFILE_LABELS } from '../../components/scep-profile/labels';
import { InstructionTabs } from './InstructionTabs';
import { makeChallenge, type Created } from './plan';

/** What devices need to enrol, and how each kind of them does. */
export function Outcome({ created }: { created: Created }) {
  const { authority, scepProfile } = created;
  const certificate = authority?.certificate;
  const url = scepProfile?.scepUrl;
  const [deviceName, setDeviceName] = useState('device-1');
  const denial = useDenial('write', 'challenge');
  const [copied, setCopied] = useState<string>();
  const { fail } = useNotify();
  const another = useMutation({
    mutationFn: (uuid: string) => makeChallenge(uuid),
    onError: (error) => fail('No challenge was made', error),
  });
  if (!scepProfile || !certificate || !url) {
    return (
      <Alert type="error">
        The server did not say where devices enrol. The page of the SCEP Profile has its URL.
      </Alert>
    );
  }
  const challenge = another.data ?? created.challenge ?? null;
  const hasOneTime = scepProfile.challengeSources.includes('ONE_TIME');
  const isAtRisk = hasOneTime && challenge !== null && challenge !== copied;
  const isNameSafe = /^[A-Za-z0-9._-]{1,64}$/.test(deviceName);
  return (
    <SpaceBetween size="l">
      {isAtRisk && (
        <LeaveWarning>
          The challenge is shown on this page alone, and is lost when you leave it.
        </LeaveWarning>
      )}
      <WarningList warnings={scepProfile.warnings} labels={SCEP_PROFILE_LABELS} />
      <Section title="What devices need">
        <KeyValuePairs
          columns={2}
          items={[
            { label: 'SCEP URL', value: <CopyText text={url} name="the SCEP URL" /> },
            {
              label: 'Challenge',
              value: <Challenge challenge={challenge} sources={scepProfile.challengeSources} />,
            },
            {
              label: 'CA fingerprint (SHA-256)',
              value: (
                <CopyText text={certificate.fingerprintSha256} name="the SHA-256 fingerprint" />
              ),
            },
            {
              label: 'CA fingerprint (SHA-1)',
              value: <CopyText text={certificate.fingerprintSha1} name="the SHA-1 fingerprint" />,
            },
          ]}
        />
        <SpaceBetween direction="horizontal" size="xs">
          {isAtRisk && (
            <ActionButton onClick={() => setCopied(challenge)}>I have copied it</ActionButton>
          )}
          {hasOneTime && (
            <ActionButton
              onClick={() => another.mutate(scepProfile.uuid)}
              busy={another.isPending}
              denial={denial}
            >
              Make another challenge
            </ActionButton>
          )}
          <PageButton to={`/scep-profiles/${scepProfile.uuid}`}>Show the SCEP Profile</PageButton>
          <PageButton to="/requests">Show requests</PageButton>
        </SpaceBetween>
      </Section>
      <Section
        title="Instructions"
        description="Ready to be pasted: the values above are in them. Test one device before you roll out many."
      >
        <TextField
          label="Name of the first device"
          path="deviceName"
          explanation="The CN that the device asks for in the instructions below."
          constraint={
            isNameSafe
              ? 'Letters, digits and - . _'
              : 'Letters, digits and - . _ only: the instructions show device-1 until then.'
          }
          value={deviceName}
          onChange={setDeviceName}
        />
        <InstructionTabs
          hasOneTime={hasOneTime}
          enrolment={{
            url,
            challenge,
            deviceName: isNameSafe ? deviceName : 'device-1',
            authority: certificate.subject,
            authorityPem: certificate.pem,
            fingerprintSha1: certificate.fingerprintSha1,
            fingerprintSha256: certificate.fingerprintSha256,
          }}
        />
      </Section>
    </SpaceBetween>
  );
}

function Challenge({ challenge, sources }: { challenge: string | null; sources: string[] }) {
  if (challenge !== null) {
    return (
      <>
        <div>
          <CopyText text={challenge} name="the challenge" />
        </div>
        {sources.includes('ONE_TIME')
          ? 'For one device, within a day. It is shown this once.'
          : 'The static challenge password.'}
      </>
    );
  }
  if (sources.includes('INTUNE') || sources.includes('WEBHOOK')) {
    return 'Intune, or the service behind the webhook, decides which challenge is right.';
  }
  return 'None: an administrator approves each enrolment.';
}
