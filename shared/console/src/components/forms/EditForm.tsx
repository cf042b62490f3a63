import Button from '@cloudscape-design/components/button';
import Form from '@cloudscape-design/components/form';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { ReactNode } from 'react';

import { otherReasons } from '../../api/errors';
import { LeaveWarning } from '../LeaveGuard';
import { PageButton } from '../PageButton';
import { UNSAVED } from './changes';
import { useFirstFault } from './first-fault';
import { FormProblems, otherWarnings, type Problems } from './problems';
import { WarningList } from './WarningList';

/** A form whose fields show what the API says about them. */
export function EditForm({
  paths,
  problems,
  saveText,
  denial,
  isSaving,
  isChanged,
  onSave,
  cancelTo,
  children,
}: {
  /** The JSON paths of the fields that the form shows. */
  paths: string[];
  problems: Problems;
  saveText: string;
  denial: string | undefined;
  isSaving: boolean;
  /** Whether something typed is not saved yet. */
  isChanged: boolean;
  onSave: () => void;
  cancelTo: string;
  children: ReactNode;
}) {
  const { error, warnings = [], warningPrefix } = problems;
  const reasons = otherReasons(error, paths);
  const form = useFirstFault<HTMLFormElement>(error);
  return (
    <FormProblems value={problems}>
      {isChanged && <LeaveWarning>{UNSAVED}</LeaveWarning>}
      <form
        ref={form}
        onSubmit={(event) => {
          event.preventDefault();
          onSave();
        }}
      >
        <Form
          errorText={
            error === null || error === undefined
              ? undefined
              : reasons
                  .map((reason) => <div key={reason}>{reason}</div>)
                  .concat(
                    reasons.length === 0
                      ? [<div key="fields">Correct the fields that are marked.</div>]
                      : [],
                  )
          }
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <PageButton to={cancelTo} variant="link">
                Cancel
              </PageButton>
              <Button
                variant="primary"
                loading={isSaving}
                disabled={denial !== undefined}
                disabledReason={denial}
              >
                {saveText}
              </Button>
            </SpaceBetween>
          }
        >
          <SpaceBetween size="l">
            <WarningList warnings={otherWarnings(warnings, paths, warningPrefix)} />
            {children}
          </SpaceBetween>
        </Form>
      </form>
    </FormProblems>
  );
}
