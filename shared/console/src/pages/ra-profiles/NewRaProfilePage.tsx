import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useNavigate } from 'react-router';

import { useDenial } from '../../api/caller';
import { api, body } from '../../api/client';
import { hasChanged } from '../../components/forms/changes';
import { EditForm } from '../../components/forms/EditForm';
import { refuseFaults } from '../../components/forms/faults';
import { WITHOUT_ASKING } from '../../components/LeaveGuard';
import { useNotify } from '../../components/notifications';
import { Page } from '../../components/Page';
import { useProfilesChanged } from '../../api/queries';
import { NEW_RA_PROFILE, raProfileBodyOf } from '../../components/ra-profile/draft';
import { raProfileFaults } from '../../components/ra-profile/faults';
import { RA_PROFILE_LABELS } from '../../components/ra-profile/labels';
import { RaProfileFields } from './RaProfileFields';

/** Creates an RA Profile. */
export function NewRaProfilePage() {
  const denial = useDenial('write');
  const navigate = useNavigate();
  const { succeed } = useNotify();
  const changed = useProfilesChanged();
  const [draft, setDraft] = useState(NEW_RA_PROFILE);
  const creation = useMutation({
    mutationFn: async () => {
      refuseFaults(raProfileFaults(draft));
      return body(
        api.POST('/api/v1/authorities/{authorityUuid}/raProfiles', {
          params: { path: { authorityUuid: draft.authorityUuid } },
          body: raProfileBodyOf(draft),
        }),
      );
    },
    onSuccess: async (created) => {
      await changed();
      succeed(`RA Profile ${created.name} created. It is disabled until you enable it.`);
      await navigate(`/ra-profiles/${created.uuid}`, WITHOUT_ASKING);
    },
  });
  return (
    <Page
      title="Create an RA Profile"
      description="The rules begin with their defaults. A new profile is disabled: activate SCEP, and enable it, on its page."
      parents={[{ text: 'RA Profiles', href: '/ra-profiles' }]}
    >
      <EditForm
        labels={RA_PROFILE_LABELS}
        problems={{ error: creation.error }}
        saveText="Create"
        denial={denial}
        isSaving={creation.isPending}
        isChanged={hasChanged(draft, NEW_RA_PROFILE)}
        onSave={() => creation.mutate()}
        cancelTo="/ra-profiles"
      >
        <RaProfileFields draft={draft} onChange={setDraft} isNew />
      </EditForm>
    </Page>
  );
}
