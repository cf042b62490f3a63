import Box from '@cloudscape-design/components/box';
import Header from '@cloudscape-design/components/header';
import Pagination from '@cloudscape-design/components/pagination';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table from '@cloudscape-design/components/table';
import { type QueryKey, useInfiniteQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';

import { LoadError } from './Loaded';
import { useTableProps, type CommonTableProps } from './tables';

/** A page of a list, as the API returns it. */
export interface CursorPage<T> {
  items: T[];
  cursor?: string | null;
}

/** A table of a list that the API returns page by page: only what is shown is read. */
export function CursorTable<T>({
  queryKey,
  load,
  filter,
  refetchInterval,
  ...common
}: CommonTableProps<T> & {
  /** Identifies the list, its filters included; another one begins at the first page. */
  queryKey: QueryKey;
  load: (cursor: string | undefined) => Promise<CursorPage<T>>;
  /** The inputs that narrow the list down; the page that has the table keeps their values. */
  filter?: ReactNode;
  /** In milliseconds. */
  refetchInterval?: number;
}) {
  const filters = JSON.stringify(queryKey);
  const [position, setPosition] = useState({ filters, page: 1 });
  const wantedPage = position.filters === filters ? position.page : 1;
  const query = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam }) => load(pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.cursor ?? undefined,
    refetchInterval: wantedPage === 1 ? refetchInterval : false,
  });
  const tableProps = useTableProps(common);
  const pages = query.data?.pages ?? [];
  // A list that is read again may have become shorter.
  const page = Math.min(wantedPage, Math.max(pages.length, 1));

  async function show(wanted: number) {
    const shown = wanted > pages.length ? (await query.fetchNextPage()).data?.pages : pages;
    // The next page may have failed, which `query` says.
    if (shown && wanted <= shown.length) {
      setPosition({ filters, page: wanted });
    }
  }

  if (query.error && pages.length === 0) {
    return <LoadError error={query.error} retry={() => void query.refetch()} />;
  }
  return (
    <SpaceBetween size="s">
      {query.isFetchNextPageError && (
        <LoadError error={query.error} retry={() => void show(pages.length + 1)} />
      )}
      <Table
        {...tableProps}
        items={pages[page - 1]?.items ?? []}
        loading={query.isPending || query.isFetchingNextPage}
        loadingText="Loading"
        empty={<Box textAlign="center">{common.empty}</Box>}
        header={
          <Header variant="h2" description={common.description} actions={common.actions}>
            {common.title}
          </Header>
        }
        filter={filter}
        pagination={
          (pages.length > 1 || query.hasNextPage) && (
            <Pagination
              currentPageIndex={page}
              pagesCount={pages.length}
              openEnd={query.hasNextPage}
              onChange={({ detail }) => void show(detail.currentPageIndex)}
            />
          )
        }
      />
    </SpaceBetween>
  );
}
