import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams } from 'react-router';

import { useDenial } from '../../api/caller';
import { api, body, versioned, type Versioned } from '../../api/client';
import type { ScepProfileView } from '../../api/schema';
import { ConflictDialog } from '../../components/ConflictDialog';
import { EditForm } from '../../components/forms/EditForm';
import { useEdit } from '../../components/forms/useEdit';
import { WITHOUT_ASKING } from '../../components/LeaveGuard';
import { Loaded } from '../../components/Loaded';
import { useNotify } from '../../components/notifications';
import { Page } from '../../components/Page';
import { useProfilesChanged, useRaCertificates, useRaProfiles } from '../../api/queries';
import {
  comparableScepProfile,
  scepProfileBodyOf,
  scepProfileDraftOf,
} from '../../components/scep-profile/draft';
import { scepProfileFaults } from '../../components/scep-profile/faults';
import { SCEP_PROFILE_LABELS } from '../../components/scep-profile/labels';
import { sourceWord } from '../../components/scep-profile/sources';
import { ScepProfileFields } from './ScepProfileFields';

/** Edits a SCEP Profile. */
export function EditScepProfilePage() {
  const { uuid = '' } = useParams();
  const query = useQuery({
    queryKey: ['scepProfiles', uuid, 'edit'],
    queryFn: () => loadScepProfile(uuid),
    // What is typed is based on the version that was read first.
    staleTime: Infinity,
    gcTime: 0,
  });
  const name = query.data?.object.name ?? 'SCEP Profile';
  return (
    <Page
      title={`Edit ${name}`}
      parents={[
        { text: 'SCEP Profiles', href: '/scep-profiles' },
        { text: name, href: `/scep-profiles/${uuid}` },
      ]}
    >
      <Loaded query={query}>{(found) => <Editor key={uuid} base={found} />}</Loaded>
    </Page>
  );
}

function loadScepProfile(uuid: string) {
  return versioned(api.GET('/api/v1/scepProfiles/{uuid}', { params: { path: { uuid } } }));
}

function Editor({ base }: { base: Versioned<ScepProfileView> }) {
  const { uuid } = base.object;
  const denial = useDenial('write');
  const navigate = useNavigate();
  const { succeed } = useNotify();
  const changed = useProfilesChanged();
  const edit = useEdit({
    base,
    draftOf: scepProfileDraftOf,
    load: () => loadScepProfile(uuid),
    check: scepProfileFaults,
    save: (draft, etag) =>
      body(
        api.PUT('/api/v1/scepProfiles/{uuid}', {
          params: { path: { uuid }, header: { 'If-Match': etag } },
          body: scepProfileBodyOf(draft),
        }),
      ),
    onSaved: async (saved) => {
      await changed();
      succeed(`SCEP Profile ${saved.name} saved.`);
      await navigate(`/scep-profiles/${uuid}`, WITHOUT_ASKING);
    },
  });
  const { theirs } = edit;
  const raProfiles = useRaProfiles();
  const raCertificates = useRaCertificates();
  function wordOf(path: string, value: string): string | undefined {
    switch (path) {
      case 'raProfileUuid':
        return raProfiles.data?.find(({ uuid }) => uuid === value)?.name;
      case 'caCertificateUuid':
        return raCertificates.data?.find(({ uuid }) => uuid === value)?.certificate.subject;
      default:
        return sourceWord(path, value);
    }
  }
  return (
    <>
      <EditForm
        labels={SCEP_PROFILE_LABELS}
        problems={{ error: edit.error, warnings: edit.saved.warnings }}
        saveText="Save"
        denial={denial}
        isSaving={edit.isSaving}
        isChanged={edit.isChanged}
        onSave={edit.save}
        cancelTo={`/scep-profiles/${uuid}`}
      >
        <ScepProfileFields draft={edit.draft} onChange={edit.setDraft} saved={edit.saved} />
      </EditForm>
      {theirs && (
        <ConflictDialog
          mine={comparableScepProfile(edit.draft)}
          theirs={comparableScepProfile(scepProfileDraftOf(theirs.object))}
          words={{ labels: SCEP_PROFILE_LABELS, wordOf }}
          onKeepMine={() => edit.keepMine(theirs)}
          onTakeTheirs={() => edit.takeTheirs(theirs)}
          onClose={edit.goOn}
        />
      )}
    </>
  );
}
