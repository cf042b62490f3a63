import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';

import type { Versioned } from '../../api/client';
import { ApiError } from '../../api/errors';
import { hasChanged } from './changes';
import { refuseFaults, type Faults } from './faults';

/** The edit of an object: what is typed, and what happens when somebody else was faster. */
export function useEdit<View, Draft extends object>({
  base,
  draftOf,
  check,
  load,
  save,
  onSaved,
}: {
  /** The version on which the edit is based. */
  base: Versioned<View>;
  draftOf: (view: View) => Draft;
  /** What is wrong with what is typed. */
  check: (draft: Draft) => Faults;
  load: () => Promise<Versioned<View>>;
  /** @param etag - the version that the edit may replace. */
  save: (draft: Draft, etag: string) => Promise<View>;
  onSaved: (saved: View) => unknown;
}) {
  const [version, setVersion] = useState(base);
  const [draft, setDraft] = useState(() => draftOf(base.object));
  const [theirs, setTheirs] = useState<Versioned<View>>();
  const mutation = useMutation({
    /** Saves, or reads what somebody else saved in the meantime. */
    mutationFn: async (etag: string): Promise<{ saved: View } | { newer: Versioned<View> }> => {
      refuseFaults(check(draft));
      try {
        return { saved: await save(draft, etag) };
      } catch (error) {
        if (error instanceof ApiError && error.isConflict) {
          const newer = await load();
          if (newer.etag !== etag) {
            return { newer };
          }
        }
        throw error;
      }
    },
    onSuccess: async (outcome) => {
      if ('saved' in outcome) {
        await onSaved(outcome.saved);
      } else {
        setTheirs(outcome.newer);
      }
    },
  });

  function adopt(newer: Versioned<View>) {
    setVersion(newer);
    setTheirs(undefined);
  }
  return {
    draft,
    setDraft,
    /** The object as it was when the edit began, or as somebody else saved it since. */
    saved: version.object,
    isChanged: hasChanged(draft, draftOf(version.object)),
    error: mutation.error,
    isSaving: mutation.isPending,
    save: () => mutation.mutate(version.etag),
    /** What somebody else saved in the meantime, until the user has decided. */
    theirs,
    keepMine: (newer: Versioned<View>) => {
      adopt(newer);
      mutation.mutate(newer.etag);
    },
    takeTheirs: (newer: Versioned<View>) => {
      adopt(newer);
      setDraft(draftOf(newer.object));
      mutation.reset();
    },
    goOn: () => setTheirs(undefined),
  };
}
