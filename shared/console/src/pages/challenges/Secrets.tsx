import Alert from '@cloudscape-design/components/alert';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState } from 'react';

import { ActionButton } from '../../components/ActionButton';
import { saveFile } from '../../components/download';
import { LeaveWarning } from '../../components/LeaveGuard';
import { secretsCsv, type Made } from './batches';

/** Challenges that were made, whose secrets nothing shows again. */
export function Secrets({
  made,
  isComplete,
  name,
}: {
  made: Made[];
  /** Whether no row is left. */
  isComplete: boolean;
  /** What the profile is called. */
  name: string;
}) {
  const [saved, setSaved] = useState(0);
  return (
    <Container header={<Header variant="h2">The challenges</Header>}>
      {saved < made.length && (
        <LeaveWarning>
          The challenges that were made are on this page alone, and are lost when you leave it
          without saving them.
        </LeaveWarning>
      )}
      <SpaceBetween size="m">
        {saved < made.length ? (
          <Alert type="warning" header={`${made.length} challenges were made`}>
            Save them now: they are on this page alone.
            {!isComplete && ' Rows are left; the file has what was made so far.'}
          </Alert>
        ) : (
          <Alert type="success" header={`${made.length} challenges are saved`}>
            The file is as secret as they are: delete it once the devices have them.
          </Alert>
        )}
        <ActionButton
          variant="primary"
          iconName="download"
          onClick={() => {
            saveFile(secretsCsv(made), 'text/csv', `challenges-${name}.csv`);
            setSaved(made.length);
          }}
        >
          Save as CSV
        </ActionButton>
      </SpaceBetween>
    </Container>
  );
}
