import Alert from '@cloudscape-design/components/alert';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import type { ReactNode } from 'react';

import { otherReasons } from '../../api/errors';
import { LeaveWarning } from '../LeaveGuard';
import { PageButton } from '../PageButton';
import { UNSAVED } from './changes';
import { DenialAlert } from './DenialAlert';
import { useFirstFault } from './first-fault';
import { FormProblems, otherWarnings, type Problems } from './problems';
import { WarningList } from './WarningList';

/** A form whose fields show what the API says about them. */
export function EditForm({
  labels,
  problems,
  saveText,
  denial,
  isSaving,
  isChanged,
  onSave,
  cancelTo,
  children,
}: {
  /** What the fields that the form shows are called, by their JSON paths. */
  labels: Record<string, string>;
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
  const paths = Object.keys(labels);
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
        <SpaceBetween size="l">
          <DenialAlert denial={denial} />
          <WarningList warnings={otherWarnings(warnings, paths, warningPrefix)} />
          {children}
        </SpaceBetween>
        <div className="form-footer">
          <Container>
            <SpaceBetween size="s">
              <Refusal error={error} paths={paths} />
              <SpaceBetween direction="horizontal" size="xs">
                <Button
                  variant="primary"
                  loading={isSaving}
                  disabled={denial !== undefined}
                  disabledReason={denial}
                >
                  {saveText}
                </Button>
                <PageButton to={cancelTo} variant="link">
                  Cancel
                </PageButton>
              </SpaceBetween>
            </SpaceBetween>
          </Container>
        </div>
      </form>
    </FormProblems>
  );
}

/** Why it was not saved, but for what stands beside the fields. */
function Refusal({ error, paths }: { error: unknown; paths: string[] }) {
  if (error === null || error === undefined) {
    return null;
  }
  const reasons = otherReasons(error, paths);
  if (reasons.length === 0) {
    return (
      <div role="alert">
        <StatusIndicator type="error">Correct the fields that are marked.</StatusIndicator>
      </div>
    );
  }
  return (
    <Alert type="error" header="It was not saved">
      {reasons.map((reason) => (
        <div key={reason}>{reason}</div>
      ))}
    </Alert>
  );
}
