import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Form from '@cloudscape-design/components/form';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { useDenial } from '../../api/caller';
import { api, body } from '../../api/client';
import { otherReasons } from '../../api/errors';
import type { NewChallenge } from '../../api/schema';
import { ActionButton } from '../../components/ActionButton';
import { CopyText } from '../../components/CopyText';
import { hasChanged, UNSAVED } from '../../components/forms/changes';
import { useFirstFault } from '../../components/forms/first-fault';
import { LeaveWarning } from '../../components/LeaveGuard';
import { PageButton } from '../../components/PageButton';
import { Time } from '../../components/Time';
import { ChallengeFields, FIELDS, isSendable } from './ChallengeFields';
import { EMPTY_DRAFT, requestOf } from './draft';

/** Makes a challenge, and shows its secret this once. */
export function OneChallenge({ profile }: { profile: string }) {
  const denial = useDenial('challenge', 'write');
  const queryClient = useQueryClient();
  const [draft, setDraft] = useState(EMPTY_DRAFT);
  const creation = useMutation({
    mutationFn: async () =>
      single(
        await body(
          api.POST('/api/v1/scepProfiles/{uuid}/challenges', {
            params: { path: { uuid: profile } },
            body: requestOf(draft),
          }),
        ),
      ),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: ['challenges', profile] }),
    // The secret is forgotten as soon as the page is left.
    gcTime: 0,
  });
  const form = useFirstFault<HTMLFormElement>(creation.error);
  if (creation.data) {
    return <Secret challenge={creation.data} profile={profile} onAgain={() => creation.reset()} />;
  }
  const reasons = otherReasons(creation.error, FIELDS);
  return (
    <form
      ref={form}
      onSubmit={(event) => {
        event.preventDefault();
        if (isSendable(draft)) {
          creation.mutate();
        }
      }}
    >
      {hasChanged(draft, EMPTY_DRAFT) && <LeaveWarning>{UNSAVED}</LeaveWarning>}
      <Form
        errorText={reasons.length > 0 && reasons.map((text) => <div key={text}>{text}</div>)}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <PageButton to={`/challenges?profile=${profile}`} variant="link">
              Cancel
            </PageButton>
            <Button
              variant="primary"
              loading={creation.isPending}
              disabled={denial !== undefined || !isSendable(draft)}
              disabledReason={denial ?? 'Correct the fields that are marked.'}
            >
              Make the challenge
            </Button>
          </SpaceBetween>
        }
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
      </Form>
    </form>
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
