import Alert from '@cloudscape-design/components/alert';
import FormField from '@cloudscape-design/components/form-field';
import Grid from '@cloudscape-design/components/grid';
import Input from '@cloudscape-design/components/input';
import SpaceBetween from '@cloudscape-design/components/space-between';

import { useDenial } from '../../api/caller';
import { ApiError } from '../../api/errors';
import { ChoiceSelect } from '../../components/ChoiceSelect';
import { LoadError } from '../../components/Loaded';
import { Page } from '../../components/Page';
import { PageButton } from '../../components/PageButton';
import { useScepProfiles } from '../../api/queries';
import { useUrlState } from '../../components/url-state';
import { ChallengeTable } from './ChallengeTable';
import { LockoutTable } from './LockoutTable';

/** The one-time challenges and the lock-outs of a SCEP Profile. */
export function ChallengesPage() {
  const [{ profile, state }, setFilters] = useUrlState(['profile', 'state']);
  const profiles = useScepProfiles();
  const denial = useDenial('write');
  // A profile without ONE_TIME has no challenges to be shown first.
  const first = profiles.data?.find(hasChallenges) ?? profiles.data?.[0];
  const uuid = profile || (first?.uuid ?? '');
  const chosen = profiles.data?.find((item) => item.uuid === uuid);
  return (
    <Page
      title="Challenges"
      description="A one-time challenge lets one device enrol. Who guesses challenges is locked out for a while."
    >
      {profiles.error && !isDenied(profiles.error) ? (
        <LoadError error={profiles.error} retry={() => void profiles.refetch()} />
      ) : (
        <Grid gridDefinition={[{ colspan: { default: 12, xs: 6 } }]}>
          {isDenied(profiles.error) ? (
            <ProfileInput value={profile} onChange={(profile) => setFilters({ profile })} />
          ) : (
            <ChoiceSelect
              label="SCEP Profile"
              value={uuid}
              choices={(profiles.data ?? []).map(({ uuid, name, description }) => ({
                value: uuid,
                label: name,
                description,
              }))}
              busy={profiles.isPending}
              onChange={(profile) => setFilters({ profile, state: '' })}
            />
          )}
        </Grid>
      )}
      {profiles.data?.length === 0 && (
        <Alert
          type="info"
          action={
            <PageButton to="/first-run" denial={denial}>
              Begin the first run
            </PageButton>
          }
        >
          There is no SCEP Profile yet. Challenges belong to one.
        </Alert>
      )}
      {chosen && !hasChallenges(chosen) && (
        <Alert
          type="info"
          header="This profile takes no one-time challenges"
          action={
            <PageButton to={`/scep-profiles/${chosen.uuid}/edit`} denial={denial}>
              Edit the SCEP Profile
            </PageButton>
          }
        >
          Add one-time challenges to its challenge sources to make challenges for single devices.
        </Alert>
      )}
      {uuid !== '' && (
        <SpaceBetween size="l">
          <ChallengeTable
            key={uuid}
            profile={uuid}
            canMake={chosen === undefined || hasChallenges(chosen)}
            state={state}
            onStateChange={(state) => setFilters({ state })}
          />
          <LockoutTable key={`${uuid} lockouts`} profile={uuid} />
        </SpaceBetween>
      )}
    </Page>
  );
}

function hasChallenges({ challengeSources }: { challengeSources: string[] }): boolean {
  return challengeSources.includes('ONE_TIME');
}

function isDenied(error: unknown): boolean {
  return error instanceof ApiError && error.status === 403;
}

/** For those who may make challenges and not see profiles. */
function ProfileInput({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  return (
    <FormField
      label="SCEP Profile"
      description="Your sign-in may not list profiles: enter the UUID of one, which an administrator knows."
    >
      <Input
        value={value}
        placeholder="2d2a1c3e-5f57-4f6c-8d0b-7a3d9d7f2b11"
        onChange={({ detail }) => onChange(detail.value.trim())}
      />
    </FormField>
  );
}
