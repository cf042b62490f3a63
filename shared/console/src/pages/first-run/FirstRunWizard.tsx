import SpaceBetween from '@cloudscape-design/components/space-between';
import Wizard from '@cloudscape-design/components/wizard';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useNavigate } from 'react-router';

import { useDenial } from '../../api/caller';
import { otherReasons, type ApiError } from '../../api/errors';
import { hasChanged, UNSAVED } from '../../components/forms/changes';
import { FormProblems } from '../../components/forms/problems';
import { LeaveWarning } from '../../components/LeaveGuard';
import { useAuthorities, useProfilesChanged } from '../../api/queries';
import { RA_PROFILE_PATHS } from '../../components/ra-profile/labels';
import { SCEP_PROFILE_PATHS } from '../../components/scep-profile/labels';
import { DenialAlert } from '../../components/forms/DenialAlert';
import { faultError } from '../../components/forms/faults';
import { useFirstFault } from '../../components/forms/first-fault';
import { AuthorityStep } from './AuthorityStep';
import { faultsIn, NEW_FIRST_RUN } from './draft';
import { runTasks, TASKS, type Created } from './plan';
import { RaCertificateStep } from './RaCertificateStep';
import { RulesStep } from './RulesStep';
import { ScepStep } from './ScepStep';
import { Summary } from './Summary';

const PURPOSE =
  'The first run leads from nothing to an enrolled device: an authority, rules for its certificates, and a SCEP URL.';

/** The JSON paths of the fields of every step. */
const PATHS = [
  ...SCEP_PROFILE_PATHS,
  ...RA_PROFILE_PATHS,
  'subject',
  'keyAlgorithm',
  'validity',
  'commonName',
];

/** Asks for everything, and creates it. */
export function FirstRunWizard({ onDone }: { onDone: (created: Created) => void }) {
  const denial = useDenial('write');
  const navigate = useNavigate();
  const changed = useProfilesChanged();
  const authorities = useAuthorities();
  const [draft, setDraft] = useState(NEW_FIRST_RUN);
  const [created, setCreated] = useState<Created>({});
  const [step, setStep] = useState(0);
  const [fault, setFault] = useState<ApiError>();
  const creation = useMutation({
    mutationFn: async () => {
      let latest = created;
      const failure = await runTasks(TASKS, draft, created, (state) => {
        latest = state;
        setCreated(state);
      });
      await Promise.all([changed(), authorities.refetch()]);
      if (!failure) {
        onDone(latest);
      }
      return failure;
    },
  });
  const failure = creation.isPending ? undefined : creation.data;
  const failedPage = failure && TASKS[failure.index]?.page;

  function go(wanted: number) {
    // Going back needs nothing; going on needs what the steps in between ask for.
    for (let at = step; at < wanted; at += 1) {
      const found = faultError(faultsIn(at, draft));
      if (found) {
        setFault(found);
        setStep(at);
        return;
      }
    }
    setFault(undefined);
    setStep(wanted);
  }

  const isBegun = hasChanged(draft, NEW_FIRST_RUN) || hasChanged(created, {});
  const error = fault ?? (failedPage === step ? failure?.error : undefined);
  const reasons = otherReasons(error, PATHS);
  const content = useFirstFault<HTMLDivElement>(error);
  const fields = { draft, onChange: setDraft };
  const pages = [
    { title: 'Authority', content: <AuthorityStep {...fields} created={created} /> },
    { title: 'RA certificate', content: <RaCertificateStep {...fields} created={created} /> },
    { title: 'Rules', content: <RulesStep {...fields} created={created} /> },
    { title: 'SCEP Profile', content: <ScepStep {...fields} created={created} /> },
    {
      title: 'Summary',
      content: (
        <Summary
          draft={draft}
          created={created}
          failure={failure}
          isRunning={creation.isPending}
          onGo={go}
        />
      ),
    },
  ];
  const refusal = step === pages.length - 1 ? denial : undefined;
  const errorText = reasons.join(' ') || (error ? 'Correct the fields that are marked.' : refusal);
  return (
    <Wizard
      activeStepIndex={step}
      onNavigate={({ detail }) => go(detail.requestedStepIndex)}
      onCancel={() => void navigate('/')}
      onSubmit={() => {
        if (denial === undefined) {
          creation.mutate();
        }
      }}
      isLoadingNextStep={creation.isPending}
      submitButtonText={failure ? 'Try again' : 'Create everything'}
      i18nStrings={{
        stepNumberLabel: (number) => `Step ${number}`,
        collapsedStepsLabel: (number, count) => `Step ${number} of ${count}`,
        navigationAriaLabel: 'Steps',
        cancelButton: 'Cancel',
        previousButton: 'Previous',
        nextButton: 'Next',
        nextButtonLoadingAnnouncement: 'It is being created',
      }}
      steps={pages.map((page, index) => ({
        title: page.title,
        description: index === 0 ? PURPOSE : undefined,
        errorText: index === step ? errorText : undefined,
        content: (
          <FormProblems value={{ error }}>
            {isBegun && <LeaveWarning>{UNSAVED}</LeaveWarning>}
            <SpaceBetween size="l">
              <DenialAlert denial={denial} />
              <div ref={content}>{page.content}</div>
            </SpaceBetween>
          </FormProblems>
        ),
      }))}
    />
  );
}
