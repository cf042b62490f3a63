import Alert from '@cloudscape-design/components/alert';
import Button from '@cloudscape-design/components/button';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Steps, { type StepsProps } from '@cloudscape-design/components/steps';

import { otherReasons } from '../../api/errors';
import { durationInWords } from '../../components/durations';
import { Section } from '../../components/forms/Section';
import { useAuthorities } from '../../api/queries';
import { sourceName } from '../../components/scep-profile/sources';
import type { FirstRunDraft } from './draft';
import { TASKS, type Created } from './plan';
import { PRESETS } from './presets';

/** What will be created, and how far that is. */
export function Summary({
  draft,
  created,
  failure,
  isRunning,
  onGo,
}: {
  draft: FirstRunDraft;
  created: Created;
  failure: { index: number; error: unknown } | undefined;
  isRunning: boolean;
  onGo: (page: number) => void;
}) {
  const next = TASKS.findIndex((task) => !task.isDone(created));
  const isBegun = isRunning || failure !== undefined || next > 0;
  const failed = failure && TASKS[failure.index];

  function statusOf(index: number): StepsProps.Status {
    if (TASKS[index]?.isDone(created)) {
      return 'success';
    }
    if (index === failure?.index) {
      return 'error';
    }
    return isRunning && index === next ? 'loading' : 'pending';
  }

  return (
    <SpaceBetween size="l">
      <Section title="What will be created">
        <Choices draft={draft} />
      </Section>
      {isBegun && (
        <Section title="Progress">
          <Steps
            ariaLabel="Progress"
            steps={TASKS.map(({ title }, index) => ({ header: title, status: statusOf(index) }))}
          />
        </Section>
      )}
      {failure && failed && (
        <Alert
          type="error"
          header={`“${failed.title}” failed`}
          action={<Button onClick={() => onGo(failed.page)}>Show its settings</Button>}
        >
          {otherReasons(failure.error, []).map((reason) => (
            <div key={reason}>{reason}</div>
          ))}
          <div>What was created stays. “Try again” goes on here.</div>
        </Alert>
      )}
    </SpaceBetween>
  );
}

function Choices({ draft }: { draft: FirstRunDraft }) {
  const authorities = useAuthorities();
  const { authority, raCertificate, scepProfile } = draft;
  const existing = authorities.data?.find(({ uuid }) => uuid === authority.uuid);
  return (
    <KeyValuePairs
      columns={2}
      items={[
        {
          label: 'Authority',
          value: existing
            ? `${existing.name}, which exists`
            : `${authority.name}: ${authority.subject}`,
        },
        {
          label: 'RA certificate',
          value: raCertificate.uuid === '' ? `CN=${raCertificate.commonName}` : 'One that exists',
        },
        {
          label: 'RA Profile',
          value: `${draft.raProfileName}, for ${PRESETS.find(({ id }) => id === draft.preset)?.label ?? ''}`,
        },
        {
          label: 'Validity of certificates',
          value: durationInWords(draft.rules.validity || 'P365D') ?? draft.rules.validity,
        },
        { label: 'SCEP Profile', value: scepProfile.name },
        {
          label: 'Who vouches for devices',
          value: scepProfile.sources.map(sourceName).join(', ') || 'Nobody',
        },
        {
          label: 'Enrolments wait for an administrator',
          value: scepProfile.requireManualApproval ? 'Yes' : 'No',
        },
        { label: 'Links', value: 'The profiles are linked in both directions, and enabled.' },
      ]}
    />
  );
}
