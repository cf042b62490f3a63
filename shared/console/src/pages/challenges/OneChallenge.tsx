import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { useDenial } from '../../api/caller';
import { api, body } from '../../api/client';
import type { NewChallenge } from '../../api/schema';
import { ActionButton } from '../../components/ActionButton';
import { CopyText } from '../../components/CopyText';
import { hasChanged } from '../../components/forms/changes';
import { EditForm } from '../../components/forms/EditForm';
import { refuseFaults } from '../../components/forms/faults';
import { LeaveWarning } from '../../components/LeaveGuard';
import { PageButton } from '../../components/PageButton';
import { Time } from '../../components/Time';
import { ChallengeFields, LABELS } from './ChallengeFields';
import { challengeFaults, EMPTY_DRAFT, requestOf } from './draft';

/** Makes a challenge, and shows its secret this once. */
export function OneChallenge({ profile }: { profile: string }) {
  const denial = useDenial('challenge', 'write');
  const queryClient = useQueryClient();
  const [draft, setDraft] = useState(EMPTY_DRAFT);
  const [made, setMade] = useState(EMPTY_DRAFT);
  const creation = useMutation({
    mutationFn: async () => {
      refuseFaults(challengeFaults(draft));
      return single(
        await body(
          api.POST('/api/v1/scepProfiles/{uuid}/challenges', {
            params: { path: { uuid: profile } },
            body: requestOf(draft),
          }),
        ),
      );
    },
    onSuccess: () => {
      setMade(draft);
      return queryClient.invalidateQueries({ queryKey: ['challenges', profile] });
    },
    // The secret is forgotten as soon as the page is left.
    gcTime: 0,
  });
  if (creation.data) {
    return <Secret challenge={creation.data} profile={profile} onAgain={() => creation.reset()} />;
  }
  return (
    <EditForm
      labels={LABELS}
      problems={{ error: creation.error }}
      saveText="Make the challenge"
      denial={denial}
      isSaving={creation.isPending}
      isChanged={hasChanged(draft, made)}
      onSave={() => creation.mutate()}
      cancelTo={`/challenges?profile=${profile}`}
    >
      <Container
        header={
          <Header
            variant="h2"
            description="What you enter here binds: a request that asks for anything else of that kind is refused."
          >
            One challenge
          </Header>
        }
      >
        <ChallengeFields
          draft={draft}
          error={creation.error}
          onChange={(change) => setDraft({ ...draft, ...change })}
        />
      </Container>
    </EditForm>
  );
}

/** The secret of a new challenge, which nothing shows again. */
function Secret({
  challenge,
  profile,
  onAgain,
}: {
  challenge: NewChallenge;
  profile: string;
  onAgain: () => void;
}) {
  const [isStored, setStored] = useState(false);
  return (
    <Container header={<Header variant="h2">The challenge</Header>}>
      {!isStored && (
        <LeaveWarning>
          The challenge is shown on this page alone, and is lost when you leave it.
        </LeaveWarning>
      )}
      <SpaceBetween size="m">
        <Alert type="warning">
          Copy it now: it is shown this once. It is valid until <Time value={challenge.expiresAt} />
          .
        </Alert>
        <Box fontSize="heading-l" variant="code">
          <CopyText text={challenge.challengePassword} name="the challenge" />
        </Box>
        {isStored ? (
          <SpaceBetween direction="horizontal" size="xs">
            <PageButton to={`/challenges?profile=${profile}`} variant="primary">
              To the list of challenges
            </PageButton>
            <ActionButton onClick={onAgain}>Make another one</ActionButton>
          </SpaceBetween>
        ) : (
          <ActionButton variant="primary" onClick={() => setStored(true)}>
            I have copied it
          </ActionButton>
        )}
      </SpaceBetween>
    </Container>
  );
}

/** The response for a request that is no array. */
function single(response: NewChallenge | NewChallenge[]): NewChallenge {
  const [challenge] = [response].flat();
  if (challenge === undefined) {
    throw new Error('The server made no challenge.');
  }
  return challenge;
}
