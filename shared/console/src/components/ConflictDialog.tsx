import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table from '@cloudscape-design/components/table';

import { differences, type Difference, type Vocabulary } from './differences';

/** Shows what somebody else saved in the meantime beside what the user typed, and lets them
 *  choose. */
export function ConflictDialog({
  mine,
  theirs,
  words,
  onKeepMine,
  onTakeTheirs,
  onClose,
}: {
  /** The object as typed. */
  mine: object;
  /** The object as the server has it now. */
  theirs: object;
  words: Vocabulary;
  onKeepMine: () => void;
  onTakeTheirs: () => void;
  onClose: () => void;
}) {
  return (
    <Modal
      visible
      size="large"
      header="Somebody else saved this in the meantime"
      onDismiss={onClose}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onClose}>
              Go on typing
            </Button>
            <Button onClick={onTakeTheirs}>Take their version</Button>
            <Button variant="primary" onClick={onKeepMine}>
              Save mine over it
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <Table<Difference>
        variant="embedded"
        wrapLines
        trackBy="field"
        items={differences(mine, theirs, words)}
        ariaLabels={{ tableLabel: 'Differences' }}
        empty="Both versions are the same."
        columnDefinitions={[
          { id: 'field', header: 'Field', cell: ({ field }) => field, isRowHeader: true },
          { id: 'mine', header: 'Yours', cell: (item) => item.mine },
          { id: 'theirs', header: 'Theirs', cell: (item) => item.theirs },
        ]}
      />
    </Modal>
  );
}
