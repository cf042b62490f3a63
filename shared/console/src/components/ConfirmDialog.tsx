import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useMutation } from '@tanstack/react-query';
import type { ReactNode } from 'react';

import { otherReasons } from '../api/errors';

/** Asks before something that cannot be undone, and says why when it fails. */
export function ConfirmDialog({
  title,
  verb,
  act,
  onClose,
  children,
}: {
  title: string;
  /** What the button does: "Delete". */
  verb: string;
  act: () => Promise<unknown>;
  /** @param done - whether it was done. */
  onClose: (done: boolean) => void;
  children: ReactNode;
}) {
  const action = useMutation({ mutationFn: act, onSuccess: () => onClose(true) });
  return (
    <Modal
      visible
      header={title}
      onDismiss={() => onClose(false)}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={() => onClose(false)}>
              Cancel
            </Button>
            <Button variant="primary" loading={action.isPending} onClick={() => action.mutate()}>
              {verb}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="m">
        {children}
        {action.error && (
          <Alert type="error" header="It was not done">
            {otherReasons(action.error, []).map((reason) => (
              <div key={reason}>{reason}</div>
            ))}
          </Alert>
        )}
      </SpaceBetween>
    </Modal>
  );
}
