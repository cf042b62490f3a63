import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import Table from '@cloudscape-design/components/table';

import type { TransactionView } from '../../api/schema';
import { useIsNarrow } from '../../components/narrow';
import { reviewRows, type ReviewRow } from './review';

/** What the certificate will have, beside what the device asked for; nothing once it is issued. */
export function ReviewTable({ transaction }: { transaction: TransactionView }) {
  const isNarrow = useIsNarrow();
  const rows = reviewRows(transaction);
  if (rows.length === 0) {
    return null;
  }
  return isNarrow ? (
    <Container header={HEADER}>
      <KeyValuePairs
        items={rows.map(({ property, asked, certified }) => ({
          label: property,
          value:
            asked === null || asked === certified ? (
              certified
            ) : (
              <>
                <strong>{certified}</strong>
                <div>Asked for: {asked}</div>
              </>
            ),
        }))}
      />
    </Container>
  ) : (
    <Table
      wrapLines
      trackBy="property"
      items={rows}
      ariaLabels={{ tableLabel: 'What will be certified' }}
      header={HEADER}
      columnDefinitions={[
        {
          id: 'property',
          header: 'Property',
          isRowHeader: true,
          minWidth: 140,
          cell: ({ property }) => property,
        },
        ...(rows.some(({ asked }) => asked !== null) ? [ASKED] : []),
        {
          id: 'certified',
          header: 'In the certificate',
          minWidth: 220,
          cell: ({ asked, certified }) =>
            asked === null || asked === certified ? certified : <strong>{certified}</strong>,
        },
      ]}
    />
  );
}

const HEADER = (
  <Header
    variant="h2"
    description="What the rules of the RA Profile and what vouches for the request make of it, if it is approved now."
  >
    What will be certified
  </Header>
);

const ASKED = {
  id: 'asked',
  header: 'Asked for',
  minWidth: 180,
  cell: ({ asked }: ReviewRow) => asked ?? '–',
};
