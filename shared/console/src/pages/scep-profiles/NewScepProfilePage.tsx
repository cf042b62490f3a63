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
import { NEW_SCEP_PROFILE, scepProfileBodyOf } from '../../components/scep-profile/draft';
import { scepProfileFaults } from '../../components/scep-profile/faults';
import { SCEP_PROFILE_LABELS } from '../../components/scep-profile/labels';
import { ScepProfileFields } from './ScepProfileFields';

/** Creates a SCEP Profile. */
export function NewScepProfilePage() {
  const denial = useDenial('write');
  const navigate = useNavigate();
  const { succeed } = useNotify();
  const changed = useProfilesChanged();
  const [draft, setDraft] = useState(NEW_SCEP_PROFILE);
  const creation = useMutation({
    mutationFn: async () => {
      refuseFaults(scepProfileFaults(draft));
      return body(api.POST('/api/v1/scepProfiles', { body: scepProfileBodyOf(draft) }));
    },
    onSuccess: async (created) => {
      await changed();
      succeed(`SCEP Profile ${created.name} created. It is disabled until you enable it.`);
      await navigate(`/scep-profiles/${created.uuid}`, WITHOUT_ASKING);
    },
  });
  return (
    <Page
      title="Create a SCEP Profile"
      description="A new profile is disabled. Activate RA Profiles on it, and enable it, on its page."
      parents={[{ text: 'SCEP Profiles', href: '/scep-profiles' }]}
    >
      <EditForm
        labels={SCEP_PROFILE_LABELS}
        problems={{ error: creation.error }}
        saveText="Create"
        denial={denial}
        isSaving={creation.isPending}
        isChanged={hasChanged(draft, NEW_SCEP_PROFILE)}
        onSave={() => creation.mutate()}
        cancelTo="/scep-profiles"
      >
        <ScepProfileFields draft={draft} onChange={setDraft} />
      </EditForm>
    </Page>
  );
}
