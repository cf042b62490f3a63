import Alert from '@cloudscape-design/components/alert';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';

import { useDenial } from '../../api/caller';
import type { BulkMessage } from '../../api/schema';
import { ActionButton } from '../ActionButton';
import { useNotify } from '../notifications';
import type { ProfileCalls } from './calls';
import { DeleteDialog } from './DeleteDialog';
import { FailureList } from './FailureList';
import { useProfilesChanged } from '../../api/queries';

/** A profile that can be enabled, disabled or deleted. */
export interface ProfileItem {
  uuid: string;
  name: string;
  enabled: boolean;
}

/** The buttons that enable, disable and delete the selected profiles, and what they show below.
 *  @param onDeleted - is told when some of them were deleted. */
export function useProfileActions(
  calls: ProfileCalls,
  selected: ProfileItem[],
  onDeleted: () => void,
) {
  const denial = useDenial('write');
  const { succeed } = useNotify();
  const changed = useProfilesChanged();
  const [isDeleting, setDeleting] = useState(false);
  const toggle = useMutation({
    mutationFn: async (enable: boolean) => {
      const uuids = selected.map(({ uuid }) => uuid);
      const failures = await (enable ? calls.enable(uuids) : calls.disable(uuids));
      return { enable, failures, done: uuids.length - failures.length };
    },
    onSuccess: async ({ enable, done }) => {
      await changed();
      if (done > 0) {
        succeed(`${countOf(calls, done)} ${enable ? 'enabled' : 'disabled'}.`);
      }
    },
  });

  const unselected = selected.length === 0 ? `Select ${calls.plural} first.` : undefined;
  const refusal = (isDone: boolean, state: string) =>
    denial ?? unselected ?? (isDone ? `What is selected is ${state}.` : undefined);
  const buttons = (
    <SpaceBetween direction="horizontal" size="xs">
      <ActionButton
        onClick={() => toggle.mutate(true)}
        busy={toggle.isPending && toggle.variables}
        denial={refusal(
          selected.every((item) => item.enabled),
          'enabled',
        )}
      >
        Enable
      </ActionButton>
      <ActionButton
        onClick={() => toggle.mutate(false)}
        busy={toggle.isPending && !toggle.variables}
        denial={refusal(
          selected.every((item) => !item.enabled),
          'disabled',
        )}
      >
        Disable
      </ActionButton>
      <ActionButton onClick={() => setDeleting(true)} denial={denial ?? unselected}>
        Delete
      </ActionButton>
    </SpaceBetween>
  );
  const below = (
    <>
      <ToggleOutcome error={toggle.error} failures={toggle.data?.failures ?? []} />
      {isDeleting && (
        <DeleteDialog
          calls={calls}
          items={selected}
          onClose={(done) => {
            setDeleting(false);
            if (done) {
              onDeleted();
            }
          }}
        />
      )}
    </>
  );
  return { buttons, below };
}

/** How many of what: "1 RA Profile", "2 RA Profiles". */
export function countOf(calls: ProfileCalls, count: number): string {
  return `${count} ${count === 1 ? calls.noun : calls.plural}`;
}

function ToggleOutcome({ error, failures }: { error: Error | null; failures: BulkMessage[] }) {
  if (error === null && failures.length === 0) {
    return null;
  }
  return (
    <Alert type="error" header="It was not done for all">
      <SpaceBetween size="xs">
        {error?.message}
        <FailureList failures={failures} />
      </SpaceBetween>
    </Alert>
  );
}
