import Box from '@cloudscape-design/components/box';
import ColumnLayout from '@cloudscape-design/components/column-layout';
import Table from '@cloudscape-design/components/table';

import type { Statistics } from '../../api/schema';
import { Time } from '../../components/Time';
import { refusalCount, totals } from './activity-series';
import { momentText } from './moments';

/** What the chart shows, in numbers: by kind, and over time. */
export function ActivityTable({ items, by }: Statistics) {
  const eventful = items.filter((item) => item.enrolments + item.renewals + refusalCount(item) > 0);
  return (
    <ColumnLayout columns={2}>
      <Table
        variant="embedded"
        wrapLines
        trackBy="title"
        items={totals(items)}
        ariaLabels={{ tableLabel: 'Requests by kind' }}
        header={<Box variant="h3">By kind</Box>}
        columnDefinitions={[
          { id: 'title', header: 'Kind', isRowHeader: true, cell: ({ title }) => title },
          { id: 'total', header: 'Requests', cell: ({ total }) => total },
        ]}
      />
      <Table
        variant="embedded"
        wrapLines
        trackBy="from"
        items={eventful.toReversed()}
        ariaLabels={{ tableLabel: `Requests by ${by}` }}
        header={<Box variant="h3">{by === 'hour' ? 'By hour' : 'By day'}</Box>}
        columnDefinitions={[
          {
            id: 'from',
            header: by === 'hour' ? 'Hour' : 'Day (UTC)',
            isRowHeader: true,
            cell: ({ from }) => (by === 'hour' ? <Time value={from} /> : momentText(from, by)),
          },
          { id: 'enrolments', header: 'Enrolments', cell: ({ enrolments }) => enrolments },
          { id: 'renewals', header: 'Renewals', cell: ({ renewals }) => renewals },
          { id: 'refusals', header: 'Refusals', cell: refusalCount },
        ]}
      />
    </ColumnLayout>
  );
}
