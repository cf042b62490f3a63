import Header from '@cloudscape-design/components/header';
import Table from '@cloudscape-design/components/table';

import type { TransactionView } from '../../api/schema';
import { useFittingColumns } from '../../components/tables';
import { reviewRows, type ReviewRow } from './review';

/** What the certificate will have, beside what the device asked for; nothing once it is issued. */
export function ReviewTable({ transaction }: { transaction: TransactionView }) {
  const rows = reviewRows(transaction);
  const columns = useFittingColumns<ReviewRow>([
    {
      id: 'property',
      header: 'Property',
      isRowHeader: true,
      minWidth: 140,
      cell: ({ property }) => <strong>{property}</strong>,
    },
    ...(rows.some(({ asked }) => asked !== null) ? [ASKED] : []),
    {
      id: 'certified',
      header: 'In the certificate',
      minWidth: 220,
      cell: ({ asked, certified }) => (
        <Value text={certified} isChanged={asked !== null && asked !== certified} />
      ),
    },
  ]);
  if (rows.length === 0) {
    return null;
  }
  return (
    <Table
      wrapLines
      trackBy="property"
      items={rows}
      ariaLabels={{ tableLabel: 'What will be certified' }}
      header={
        <Header
          variant="h2"
          description="What the rules of the RA Profile and what vouches for the request make of it, if it is approved now."
        >
          What will be certified
        </Header>
      }
      columnDefinitions={columns}
    />
  );
}

const ASKED = {
  id: 'asked',
  header: 'Asked for',
  minWidth: 180,
  cell: ({ asked }: ReviewRow) => (asked === null ? '–' : <Value text={asked} />),
};

/** A value in full: a hash has no place to break a line at. */
function Value({ text, isChanged = false }: { text: string; isChanged?: boolean }) {
  const style = { overflowWrap: 'anywhere' } as const;
  return isChanged ? <strong style={style}>{text}</strong> : <span style={style}>{text}</span>;
}
