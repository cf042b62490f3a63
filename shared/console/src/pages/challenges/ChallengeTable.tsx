import Box from '@cloudscape-design/components/box';
import Grid from '@cloudscape-design/components/grid';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { useDenial } from '../../api/caller';
import { api, body } from '../../api/client';
import type { ChallengeView } from '../../api/schema';
import { ActionButton } from '../../components/ActionButton';
import { ChoiceSelect } from '../../components/ChoiceSelect';
import { ConfirmDialog } from '../../components/ConfirmDialog';
import { CursorTable } from '../../components/CursorTable';
import { useNotify } from '../../components/notifications';
import { PageButton } from '../../components/PageButton';
import { PageLink } from '../../components/PageLink';
import { useRaProfiles } from '../../api/queries';
import { Time } from '../../components/Time';
import { bindings } from './bindings';
import { challengeName, STATE_CHOICES, STATES } from './states';

/** The one-time challenges of a SCEP Profile by their state. */
export function ChallengeTable({
  profile,
  canMake,
  state,
  onStateChange,
}: {
  profile: string;
  /** Whether the profile takes one-time challenges. */
  canMake: boolean;
  state: string;
  onStateChange: (state: string) => void;
}) {
  const denial = useDenial('challenge', 'write');
  const notify = useNotify();
  const queryClient = useQueryClient();
  const raProfiles = useRaProfiles();
  const [selected, setSelected] = useState<ChallengeView[]>([]);
  const [isDeleting, setDeleting] = useState(false);
  const raProfileName = (uuid: string) =>
    raProfiles.data?.find((item) => item.uuid === uuid)?.name ?? uuid;
  const deletable = selected.filter((challenge) => challenge.state === 'UNUSED');

  async function deleteSelected() {
    try {
      for (const { uuid } of deletable) {
        await body(
          api.DELETE('/api/v1/scepProfiles/{uuid}/challenges/{challengeUuid}', {
            params: { path: { uuid: profile, challengeUuid: uuid } },
          }),
        );
      }
    } finally {
      // Some may be deleted although a later one could not be.
      await queryClient.invalidateQueries({ queryKey: ['challenges', profile] });
    }
  }

  const makeButton = (
    <PageButton
      to={`/challenges/${profile}/new`}
      variant="primary"
      denial={denial ?? (canMake ? undefined : 'The profile takes no one-time challenges.')}
    >
      Make challenges
    </PageButton>
  );
  return (
    <>
      <CursorTable
        title="One-time challenges"
        queryKey={['challenges', profile, { state }]}
        load={(cursor) =>
          body(
            api.GET('/api/v1/scepProfiles/{uuid}/challenges', {
              params: { path: { uuid: profile }, query: { state, cursor, limit: '50' } },
            }),
          )
        }
        idOf={({ uuid }) => uuid}
        nameOf={challengeName}
        selection={{ items: selected, onChange: setSelected }}
        filter={
          <Grid gridDefinition={[{ colspan: { default: 12, xs: 4 } }]}>
            <ChoiceSelect
              label="State"
              any="Any state"
              value={state}
              choices={STATE_CHOICES}
              onChange={onStateChange}
            />
          </Grid>
        }
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <ActionButton
              denial={
                denial ?? (deletable.length > 0 ? undefined : 'Select challenges that are unused.')
              }
              onClick={() => setDeleting(true)}
            >
              Delete
            </ActionButton>
            {makeButton}
          </SpaceBetween>
        }
        empty={
          <SpaceBetween size="xs">
            <Box>
              {state === ''
                ? 'No challenge was made for this profile yet.'
                : 'No challenge has this state.'}
            </Box>
            {state === '' && makeButton}
          </SpaceBetween>
        }
        columns={[
          {
            id: 'name',
            header: 'Note or CN',
            isRowHeader: true,
            minWidth: 150,
            cell: challengeName,
          },
          {
            id: 'state',
            header: 'State',
            minWidth: 120,
            cell: (challenge) => {
              const { type, text } = STATES[challenge.state];
              return <StatusIndicator type={type}>{text}</StatusIndicator>;
            },
          },
          {
            id: 'uses',
            header: 'Uses left',
            minWidth: 100,
            cell: ({ uses, usesLeft }) => `${usesLeft} of ${uses}`,
          },
          {
            id: 'expiresAt',
            header: 'Expires',
            minWidth: 150,
            cell: ({ expiresAt }) => <Time value={expiresAt} />,
          },
          {
            id: 'createdAt',
            header: 'Made',
            minWidth: 150,
            cell: ({ createdAt }) => <Time value={createdAt} />,
          },
          {
            id: 'bindings',
            header: 'Only for',
            minWidth: 200,
            cell: (challenge) =>
              bindings(challenge, raProfileName).map((text) => <div key={text}>{text}</div>),
          },
          {
            id: 'certificates',
            header: 'Certificates',
            minWidth: 120,
            cell: ({ certificateUuid, uses, uuid }) =>
              certificateUuid ? (
                <PageLink
                  to={
                    uses === 1
                      ? `/certificates/${certificateUuid}`
                      : `/certificates?challengeUuid=${uuid}`
                  }
                >
                  Show
                </PageLink>
              ) : (
                '–'
              ),
          },
        ]}
      />
      {isDeleting && (
        <ConfirmDialog
          title={deletable.length === 1 ? 'Delete the challenge?' : 'Delete the challenges?'}
          verb="Delete"
          act={deleteSelected}
          onClose={(done) => {
            setDeleting(false);
            if (done) {
              notify.succeed('Deleted. Nobody can enrol with it any more.');
              setSelected([]);
            }
          }}
        >
          <Box>
            {deletable.length === 1 ? 'A device' : 'Devices'} that would show{' '}
            {deletable.length === 1 ? 'it is' : 'them are'} refused from now on:
          </Box>
          <ul>
            {deletable.map((challenge) => (
              <li key={challenge.uuid}>{challengeName(challenge)}</li>
            ))}
          </ul>
        </ConfirmDialog>
      )}
    </>
  );
}
