import { useCollection } from '@cloudscape-design/collection-hooks';
import Box from '@cloudscape-design/components/box';
import Header from '@cloudscape-design/components/header';
import Pagination from '@cloudscape-design/components/pagination';
import Table from '@cloudscape-design/components/table';
import TextFilter from '@cloudscape-design/components/text-filter';
import type { UseQueryResult } from '@tanstack/react-query';

import { LoadError } from './Loaded';
import { useTableProps, type CommonTableProps } from './tables';

const PAGE_SIZE = 25;

/** A table of a list that the API returns whole: filtered, sorted and paged in the browser. */
export function LocalTable<T>({
  query,
  textOf,
  ...common
}: CommonTableProps<T> & {
  query: UseQueryResult<T[]>;
  /** The text of an item in which the filter looks. */
  textOf: (item: T) => string;
}) {
  const { items, filteredItemsCount, collectionProps, filterProps, paginationProps, actions } =
    useCollection(query.data ?? [], {
      filtering: {
        filteringFunction: (item, text) => textOf(item).toLowerCase().includes(text.toLowerCase()),
        noMatch: <Box textAlign="center">Nothing matches the filter.</Box>,
        empty: <Box textAlign="center">{common.empty}</Box>,
      },
      pagination: { pageSize: PAGE_SIZE },
      sorting: {},
    });
  const tableProps = useTableProps(common);
  if (query.error && query.data === undefined) {
    return <LoadError error={query.error} retry={() => void query.refetch()} />;
  }
  return (
    <Table
      {...collectionProps}
      {...tableProps}
      items={items}
      loading={query.isPending}
      loadingText="Loading"
      header={
        <Header
          variant="h2"
          counter={query.data && `(${query.data.length})`}
          description={common.description}
          actions={common.actions}
        >
          {common.title}
        </Header>
      }
      filter={
        <TextFilter
          {...filterProps}
          filteringPlaceholder="Filter"
          filteringAriaLabel={`Filter ${common.title}`}
          countText={
            filteredItemsCount === undefined
              ? ''
              : `${filteredItemsCount} ${filteredItemsCount === 1 ? 'match' : 'matches'}`
          }
          onDelayedChange={() => actions.setCurrentPage(1)}
        />
      }
      pagination={(query.data?.length ?? 0) > PAGE_SIZE && <Pagination {...paginationProps} />}
    />
  );
}
