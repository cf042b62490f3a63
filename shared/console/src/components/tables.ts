import type { TableProps } from '@cloudscape-design/components/table';
import type { ReactNode } from 'react';

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

/** Narrower columns would break words, so that a table scrolls within its frame instead. In pixels. */
const MIN_COLUMN_WIDTH = 130;

/** The properties of Cloudscape's table that follow from the common ones. */
export function commonTableProps<T>({
  title,
  columns,
  idOf,
  nameOf,
  selection,
}: CommonTableProps<T>) {
  return {
    columnDefinitions: columns.map((column) => ({ minWidth: MIN_COLUMN_WIDTH, ...column })),
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
