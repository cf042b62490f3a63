import Cards from '@cloudscape-design/components/cards';
import Table, { type TableProps } from '@cloudscape-design/components/table';
import type { ReactNode } from 'react';

import { useIsNarrow } from './narrow';
import { tableLabels, type CommonTableProps } from './tables';

/** Narrower columns would break words, so that a table scrolls within its frame instead. In
 *  pixels. */
const MIN_COLUMN_WIDTH = 130;

/** What a table shows now. */
interface ShownProps<T> {
  items: readonly T[];
  loading: boolean;
  empty: ReactNode;
  header: ReactNode;
  filter: ReactNode;
  pagination: ReactNode;
  /** Present when the reader can sort. */
  sorting?: Pick<
    TableProps<T>,
    'onSortingChange' | 'sortingColumn' | 'sortingDescending' | 'sortingDisabled'
  >;
}

/** Items as a table, or as one card for each where a table has no room. */
export function ItemTable<T>({
  common: { title, columns, idOf, nameOf, selection },
  sorting,
  ...shown
}: ShownProps<T> & { common: CommonTableProps<T> }) {
  const isNarrow = useIsNarrow();
  const selected = selection && {
    selectionType: 'multi' as const,
    selectedItems: selection.items,
    onSelectionChange: ({ detail }: { detail: { selectedItems: T[] } }) =>
      selection.onChange(detail.selectedItems),
  };
  if (isNarrow) {
    const name = columns.find(({ isRowHeader }) => isRowHeader) ?? columns[0];
    return (
      <Cards<T>
        {...shown}
        {...selected}
        trackBy={idOf}
        loadingText="Loading"
        ariaLabels={{
          itemSelectionLabel: (_, item) => `Select ${nameOf(item)}`,
          selectionGroupLabel: `Selected ${title}`,
          cardsLabel: title,
        }}
        cardDefinition={{
          header: (item) => name?.cell(item),
          sections: columns
            .filter((column) => column !== name)
            .map((column) => ({
              ...(column.id && { id: column.id }),
              header: column.header,
              content: (item) => column.cell(item),
            })),
        }}
      />
    );
  }
  return (
    <Table
      {...shown}
      {...selected}
      {...sorting}
      columnDefinitions={columns.map((column) => ({ minWidth: MIN_COLUMN_WIDTH, ...column }))}
      trackBy={idOf}
      ariaLabels={tableLabels(title, nameOf)}
      enableKeyboardNavigation
      loadingText="Loading"
      wrapLines
    />
  );
}
