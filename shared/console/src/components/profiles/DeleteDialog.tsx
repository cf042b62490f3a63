import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';

import type { BulkMessage } from '../../api/schema';
import { useNotify } from '../notifications';
import type { ProfileCalls } from './calls';
import { FailureList } from './FailureList';
import { useProfilesChanged } from '../../api/queries';

/** Asks before profiles are deleted; shows what depends on those that cannot be, and offers to
 *  delete them with their links. */
export function DeleteDialog({
  calls,
  items,
  onClose,
}: {
  calls: ProfileCalls;
  items: { uuid: string; name: string }[];
  /** @param done - whether any was deleted. */
  onClose: (done: boolean) => void;
}) {
  const { succeed } = useNotify();
  const changed = useProfilesChanged();
  const [failures, setFailures] = useState<BulkMessage[]>([]);
  const [deleted, setDeleted] = useState(0);
  const isForce = failures.length > 0;
  const action = useMutation({
    mutationFn: async () => {
      const uuids = (isForce ? failures : items).map(({ uuid }) => uuid);
      const refused = await (isForce ? calls.forceRemove(uuids) : calls.remove(uuids));
      const gone = uuids.filter((uuid) => refused.every((item) => item.uuid !== uuid));
      return { refused, gone };
    },
    onSuccess: async ({ refused, gone }) => {
      const done = gone.length;
      setFailures(refused);
      setDeleted(deleted + done);
      if (done > 0) {
        const noun = done === 1 ? calls.noun : calls.plural;
        succeed(`${done} ${noun} deleted.`);
        await changed(gone);
      }
      if (refused.length === 0) {
        onClose(true);
      }
    },
  });

  const noun = items.length === 1 ? calls.noun : calls.plural;
  return (
    <Modal
      visible
      header={`Delete ${items.length === 1 ? 'the' : items.length} ${noun}?`}
      onDismiss={() => onClose(deleted > 0)}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={() => onClose(deleted > 0)}>
              Cancel
            </Button>
            <Button variant="primary" loading={action.isPending} onClick={() => action.mutate()}>
              {isForce ? 'Unlink and delete' : 'Delete'}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="m">
        {isForce ? (
          <Alert type="warning" header="Other objects depend on it">
            <SpaceBetween size="xs">
              <FailureList failures={failures} />
              <div>
                “Unlink and delete” removes the links first. Devices can then no longer enrol
                through them.
              </div>
            </SpaceBetween>
          </Alert>
        ) : (
          <SpaceBetween size="xs">
            <div>{items.map(({ name }) => name).join(', ')}</div>
            <div>Devices can no longer enrol there. Certificates stay valid.</div>
          </SpaceBetween>
        )}
        {action.error && (
          <Alert type="error" header="It was not deleted">
            {action.error.message}
          </Alert>
        )}
      </SpaceBetween>
    </Modal>
  );
}
