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
