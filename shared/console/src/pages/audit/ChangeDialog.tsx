import Box from '@cloudscape-design/components/box';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table, { type TableProps } from '@cloudscape-design/components/table';

import type { AuditItem } from '../../api/schema';
import { useFittingColumns } from '../../components/tables';
import { Time } from '../../components/Time';
import { changesBetween, shortened, type Change } from './changes';
import { actionText, kindInSentence } from './words';

/** What a change changed: its fields before and after. */
export function ChangeDialog({ item, onClose }: { item: AuditItem; onClose: () => void }) {
  const columns = useFittingColumns<Change>(COLUMNS);
  const name = item.objectName ?? item.objectUuid;
  return (
    <Modal
      visible
      size="large"
      header={`${actionText(item.action)} ${kindInSentence(item.objectKind)} ${name}`}
      onDismiss={onClose}
    >
      <SpaceBetween size="m">
        <Box>
          By {item.who}, <Time value={item.at} seconds />. Secrets are not recorded.
        </Box>
        <Table<Change>
          variant="embedded"
          wrapLines
          trackBy="field"
          items={changesBetween(item.before, item.after)}
          ariaLabels={{ tableLabel: 'Changes' }}
          empty="No field that is recorded has changed."
          columnDefinitions={columns}
        />
      </SpaceBetween>
    </Modal>
  );
}

const COLUMNS: TableProps.ColumnDefinition<Change>[] = [
  {
    id: 'field',
    minWidth: 160,
    header: 'Field',
    cell: (item) => item.field,
    isRowHeader: true,
  },
  {
    id: 'before',
    minWidth: 150,
    header: 'Before',
    cell: (item) => <Value text={item.before} />,
  },
  {
    id: 'after',
    minWidth: 150,
    header: 'After',
    cell: (item) => <Value text={item.after} />,
  },
];

function Value({ text }: { text: string | undefined }) {
  return text === undefined ? (
    <Box color="text-body-secondary">None</Box>
  ) : (
    // Base64 has no place to break a line at.
    <span style={{ overflowWrap: 'anywhere' }}>{shortened(text)}</span>
  );
}
