import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { api, body } from '../../api/client';
import { reasonsAbout } from '../../api/errors';
import type { AuthorityView } from '../../api/schema';
import { ConfirmDialog } from '../../components/ConfirmDialog';
import { useNotify } from '../../components/notifications';
import { PageLink } from '../../components/PageLink';

/** Deletes an authority. One whose certificates are still valid is deleted by a second step. */
export function DeleteAuthorityDialog({
  authority,
  onClose,
}: {
  authority: AuthorityView;
  onClose: (done: boolean) => void;
}) {
  const client = useQueryClient();
  const notify = useNotify();
  const [needsForce, setNeedsForce] = useState(false);

  async function remove(force: boolean) {
    try {
      await body(
        api.DELETE('/api/v1/authorities/{uuid}', {
          params: { path: { uuid: authority.uuid }, query: { force } },
        }),
      );
    } catch (error) {
      setNeedsForce(reasonsAbout(error, 'force') !== undefined);
      throw error;
    }
    notify.succeed(`Authority ${authority.name} was deleted.`);
  }
  async function leave(done: boolean) {
    onClose(done);
    // The page of what is deleted is left first, so that it does not ask for it again.
    await client.invalidateQueries({ queryKey: ['authorities'], exact: done });
    await client.invalidateQueries({ queryKey: ['status'] });
  }

  if (needsForce) {
    return (
      <ConfirmDialog
        key="force"
        title={`Certificates of ${authority.name} are still valid`}
        verb="Delete nevertheless"
        act={() => remove(true)}
        onClose={(done) => void leave(done)}
      >
        <Alert type="warning">
          They would be on no CRL from then on: nobody could revoke them, and verifiers that need a
          CRL would refuse them.
        </Alert>
        <Box>
          <PageLink to={`/certificates?status=VALID&authorityUuid=${authority.uuid}`}>
            See them, and revoke those that should not outlive the authority
          </PageLink>
        </Box>
      </ConfirmDialog>
    );
  }
  return (
    <ConfirmDialog
      title={`Delete ${authority.name}?`}
      verb="Delete"
      act={() => remove(false)}
      onClose={(done) => void leave(done)}
    >
      <Box>
        Nothing can be issued by it any more, and its CRL is no longer published. Its key is kept.
        RA Profiles and RA certificates of it have to be deleted first.
      </Box>
    </ConfirmDialog>
  );
}
