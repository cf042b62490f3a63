import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams } from 'react-router';

import { useDenial } from '../../api/caller';
import { api, body, versioned, type Versioned } from '../../api/client';
import type { RaProfileView } from '../../api/schema';
import { ConflictDialog } from '../../components/ConflictDialog';
import { durationInWords } from '../../components/durations';
import { EditForm } from '../../components/forms/EditForm';
import { useEdit } from '../../components/forms/useEdit';
import { WITHOUT_ASKING } from '../../components/LeaveGuard';
import { Loaded } from '../../components/Loaded';
import { useNotify } from '../../components/notifications';
import { Page } from '../../components/Page';
import { useProfilesChanged } from '../../api/queries';
import { raProfileBodyOf, raProfileDraftOf } from '../../components/ra-profile/draft';
import { raProfileFaults } from '../../components/ra-profile/faults';
import { RA_PROFILE_LABELS, RULES_PREFIX } from '../../components/ra-profile/labels';
import { RaProfileFields } from './RaProfileFields';

/** Edits an RA Profile. */
export function EditRaProfilePage() {
  const { uuid = '' } = useParams();
  const query = useQuery({
    queryKey: ['raProfiles', uuid, 'edit'],
    queryFn: () => loadRaProfile(uuid),
    // What is typed is based on the version that was read first.
    staleTime: Infinity,
    gcTime: 0,
  });
  const name = query.data?.object.name ?? 'RA Profile';
  return (
    <Page
      title={`Edit ${name}`}
      parents={[
        { text: 'RA Profiles', href: '/ra-profiles' },
        { text: name, href: `/ra-profiles/${uuid}` },
      ]}
    >
      <Loaded query={query}>{(found) => <Editor key={uuid} base={found} />}</Loaded>
    </Page>
  );
}

/** What a rule's value is called in the form. */
function ruleWord(path: string, value: string): string | undefined {
  return ['validity', 'backdate'].some((name) => path === RULES_PREFIX + name)
    ? durationInWords(value)
    : undefined;
}

function loadRaProfile(uuid: string) {
  return versioned(api.GET('/api/v1/raProfiles/{uuid}', { params: { path: { uuid } } }));
}

function Editor({ base }: { base: Versioned<RaProfileView> }) {
  const { uuid } = base.object;
  const denial = useDenial('write');
  const navigate = useNavigate();
  const { succeed } = useNotify();
  const changed = useProfilesChanged();
  const edit = useEdit({
    base,
    draftOf: raProfileDraftOf,
    load: () => loadRaProfile(uuid),
    check: raProfileFaults,
    save: (draft, etag) =>
      body(
        api.PUT('/api/v1/raProfiles/{uuid}', {
          params: { path: { uuid }, header: { 'If-Match': etag } },
          body: raProfileBodyOf(draft),
        }),
      ),
    onSaved: async (saved) => {
      await changed();
      succeed(`RA Profile ${saved.name} saved.`);
      await navigate(`/ra-profiles/${uuid}`, WITHOUT_ASKING);
    },
  });
  const { theirs, saved } = edit;
  return (
    <>
      <EditForm
        labels={RA_PROFILE_LABELS}
        problems={{ error: edit.error, warnings: saved.warnings, warningPrefix: RULES_PREFIX }}
        saveText="Save"
        denial={denial}
        isSaving={edit.isSaving}
        isChanged={edit.isChanged}
        onSave={edit.save}
        cancelTo={`/ra-profiles/${uuid}`}
      >
        <RaProfileFields draft={edit.draft} onChange={edit.setDraft} isNew={false} />
      </EditForm>
      {theirs && (
        <ConflictDialog
          mine={raProfileBodyOf(edit.draft)}
          theirs={raProfileBodyOf(raProfileDraftOf(theirs.object))}
          words={{ labels: RA_PROFILE_LABELS, wordOf: ruleWord }}
          onKeepMine={() => edit.keepMine(theirs)}
          onTakeTheirs={() => edit.takeTheirs(theirs)}
          onClose={edit.goOn}
        />
      )}
    </>
  );
}
