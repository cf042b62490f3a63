import Header from '@cloudscape-design/components/header';
import Pagination from '@cloudscape-design/components/pagination';
import ProgressBar from '@cloudscape-design/components/progress-bar';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import Table from '@cloudscape-design/components/table';
import { useState } from 'react';

import { ActionButton } from '../../components/ActionButton';
import type { CsvRow } from './csv';

const PAGE_SIZE = 25;

/** The rows of a file that were not sent yet: those with errors first. */
export function RowsTable({
  rows,
  sent,
  total,
  isSending,
  denial,
  verb,
  onSend,
}: {
  rows: CsvRow[];
  sent: number;
  total: number;
  isSending: boolean;
  denial: string | undefined;
  verb: string;
  onSend: () => void;
}) {
  const [page, setPage] = useState(1);
  const faulty = rows.filter(({ errors }) => errors.length > 0);
  const sorted = [...faulty, ...rows.filter(({ errors }) => errors.length === 0)];
  const pages = Math.ceil(sorted.length / PAGE_SIZE);
  const shown = Math.min(page, pages);
  const faultDenial =
    faulty.length > 0 && sent === 0
      ? 'Correct the rows with errors in the file, and choose it again.'
      : undefined;
  return (
    <Table
      wrapLines
      trackBy={({ number }) => String(number)}
      items={sorted.slice((shown - 1) * PAGE_SIZE, shown * PAGE_SIZE)}
      ariaLabels={{ tableLabel: 'Rows of the file' }}
      header={
        <Header
          variant="h2"
          counter={`(${rows.length})`}
          description={
            faulty.length > 0
              ? `${faulty.length} of them cannot be sent.`
              : 'They are sent in parts of at most 500; each part is made whole or not at all.'
          }
          actions={
            <ActionButton
              variant="primary"
              denial={denial ?? faultDenial}
              busy={isSending}
              onClick={onSend}
            >
              {verb}
            </ActionButton>
          }
        >
          Rows
        </Header>
      }
      filter={
        isSending && (
          <ProgressBar
            label="Challenges made"
            value={(100 * sent) / total}
            additionalInfo={`${sent} of ${total}`}
          />
        )
      }
      pagination={
        pages > 1 && (
          <Pagination
            currentPageIndex={shown}
            pagesCount={pages}
            onChange={({ detail }) => setPage(detail.currentPageIndex)}
          />
        )
      }
      columnDefinitions={[
        {
          id: 'number',
          header: 'Row',
          isRowHeader: true,
          minWidth: 70,
          cell: ({ number }) => number,
        },
        {
          id: 'state',
          header: 'State',
          minWidth: 220,
          cell: ({ errors }) =>
            errors.length > 0 ? (
              errors.map((error) => (
                <div key={error}>
                  <StatusIndicator type="error">{error}</StatusIndicator>
                </div>
              ))
            ) : (
              <StatusIndicator type="pending">Can be sent</StatusIndicator>
            ),
        },
        { id: 'note', header: 'Note', minWidth: 130, cell: ({ request }) => request.note ?? '–' },
        {
          id: 'validity',
          header: 'Validity',
          minWidth: 100,
          cell: ({ request }) => request.validity,
        },
        {
          id: 'subject',
          header: 'Subject',
          minWidth: 160,
          cell: ({ request }) => pairsText(request.subject),
        },
        {
          id: 'names',
          header: 'Names',
          minWidth: 200,
          cell: ({ request }) => pairsText(request.subjectAltNames),
        },
      ]}
    />
  );
}

function pairsText(object: object | null | undefined): string {
  const pairs = Object.entries(object ?? {}).map(
    ([name, value]: [string, unknown]) =>
      `${name}=${Array.isArray(value) ? value.join('|') || 'none' : String(value)}`,
  );
  return pairs.join(', ') || '–';
}
