import Box from '@cloudscape-design/components/box';
import type { TableProps } from '@cloudscape-design/components/table';
import type { ReactNode } from 'react';

import { useIsNarrow } from './useIsNarrow';

/** Names of the parts of a table, for those who cannot see it. */
export function tableLabels<T>(
  plural: string,
  nameOf: (item: T) => string,
): TableProps.AriaLabels<T> {
  return {
    tableLabel: plural,
    selectionGroupLabel: `Selected ${plural}`,
    allItemsSelectionLabel: () => `Select all ${plural}`,
    itemSelectionLabel: (_, item) => `Select ${nameOf(item)}`,
  };
}

/** What the two kinds of table have in common. */
export interface CommonTableProps<T> {
  /** The heading; also how the table is called. */
  title: string;
  description?: ReactNode;
  /** Columns; the first one that `isRowHeader` names the row. */
  columns: TableProps.ColumnDefinition<T>[];
  /** A key of the item that no other item has. */
  idOf: (item: T) => string;
  /** What the item is called. */
  nameOf: (item: T) => string;
  /** What to do with all of it, or with what is selected. */
  actions?: ReactNode;
  /** What an administrator should do when there is nothing. */
  empty: ReactNode;
  /** Present when items can be selected. */
  selection?: { items: T[]; onChange: (items: T[]) => void };
}

/** In pixels. Narrower columns would break words, so that a table scrolls within its frame. */
const MIN_COLUMN_WIDTH = 130;

/** The columns as the window has room for them: side by side, or below each other in one column. */
export function useFittingColumns<T>(
  columns: TableProps.ColumnDefinition<T>[],
): TableProps.ColumnDefinition<T>[] {
  const isNarrow = useIsNarrow();
  const title = columns.find(({ isRowHeader }) => isRowHeader) ?? columns[0];
  if (!isNarrow || !title) {
    return columns.map((column) => ({ minWidth: MIN_COLUMN_WIDTH, ...column }));
  }
  const others = columns.filter((column) => column !== title);
  return [
    {
      id: 'all',
      header: title.header,
      cell: (item) => (
        <>
          {title.cell(item)}
          {others.map((column) => (
            <Fact key={column.id} column={column} item={item} />
          ))}
        </>
      ),
    },
  ];
}

/** A cell of a row whose cells are below each other; nothing if it is empty. */
function Fact<T>({ column, item }: { column: TableProps.ColumnDefinition<T>; item: T }) {
  const value = column.cell(item);
  if (value === null || value === '' || value === '–') {
    return null;
  }
  return (
    <Box padding={{ top: 'xxs' }}>
      {column.id === 'actions' ? (
        value
      ) : (
        <>
          <Box variant="awsui-key-label" display="inline">
            {column.header}:
          </Box>{' '}
          {value}
        </>
      )}
    </Box>
  );
}

/** The properties of Cloudscape's table that follow from the common ones. */
export function useTableProps<T>({ title, columns, idOf, nameOf, selection }: CommonTableProps<T>) {
  return {
    columnDefinitions: useFittingColumns(columns),
    trackBy: idOf,
    ariaLabels: tableLabels(title, nameOf),
    enableKeyboardNavigation: true,
    wrapLines: true,
    ...(selection && {
      selectionType: 'multi' as const,
      selectedItems: selection.items,
      onSelectionChange: ({ detail }: { detail: TableProps.SelectionChangeDetail<T> }) =>
        selection.onChange(detail.selectedItems),
    }),
  };
}
