import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Form from '@cloudscape-design/components/form';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useMutation } from '@tanstack/react-query';
import { useId, useState, type ReactNode, type SyntheticEvent } from 'react';

import { otherReasons } from '../api/errors';
import { UNSAVED } from './forms/changes';
import { useFirstFault } from './forms/first-fault';
import { FormProblems } from './forms/problems';
import { LeaveWarning } from './LeaveGuard';

/** A form of a few fields in a dialog. When saving fails it stays, with what was typed. */
export function FormDialog({
  title,
  verb,
  fields,
  save,
  onClose,
  children,
}: {
  title: string;
  /** What the button does: "Create". */
  verb: string;
  /** The JSON paths of the fields that the form shows; other reasons stand below them. */
  fields: string[];
  save: () => Promise<unknown>;
  onClose: () => void;
  /** The fields, given why the latest save failed. */
  children: (error: unknown) => ReactNode;
}) {
  const form = useId();
  const [isTyped, setTyped] = useState(false);
  const action = useMutation({ mutationFn: save, onSuccess: onClose });
  const element = useFirstFault<HTMLFormElement>(action.error);
  const others = action.error ? otherReasons(action.error, fields) : [];
  function submit(event: SyntheticEvent) {
    event.preventDefault();
    action.mutate();
  }
  return (
    <Modal
      visible
      header={title}
      onDismiss={({ detail }) => {
        // A click beside the dialog must not throw away what was typed.
        if (detail.reason !== 'overlay') {
          onClose();
        }
      }}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onClose}>
              Cancel
            </Button>
            <Button variant="primary" loading={action.isPending} form={form} formAction="submit">
              {verb}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      {isTyped && <LeaveWarning>{UNSAVED}</LeaveWarning>}
      <form ref={element} id={form} onSubmit={submit} onInput={() => setTyped(true)}>
        <Form>
          <SpaceBetween size="l">
            <FormProblems value={{ error: action.error }}>{children(action.error)}</FormProblems>
            {others.length > 0 && (
              <Alert type="error" header="It was not saved">
                {others.map((reason) => (
                  <div key={reason}>{reason}</div>
                ))}
              </Alert>
            )}
          </SpaceBetween>
        </Form>
      </form>
    </Modal>
  );
}
