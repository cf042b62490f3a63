import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';

import { Loaded } from '../../components/Loaded';
import { PageLink } from '../../components/PageLink';

/** How many items of a list a digest shows. */
export const SHOWN = 5;

/** The beginning of a list. */
export interface Beginning<T> {
  items: T[];
  /** Whether the list may have more. */
  isCut: boolean;
}

/** The beginning of a list, and how long it is. */
export function Digest<T>({
  title,
  query,
  more,
  children,
}: {
  title: string;
  query: UseQueryResult<Beginning<T>>;
  /** The page that has the whole list. */
  more: string;
  children: (items: T[]) => ReactNode;
}) {
  const { data } = query;
  const isLong = data !== undefined && (data.isCut || data.items.length > SHOWN);
  return (
    <Container
      fitHeight
      header={
        <Header variant="h2" counter={data && `(${data.items.length}${data.isCut ? '+' : ''})`}>
          {title}
        </Header>
      }
      footer={isLong && <PageLink to={more}>Show all of them</PageLink>}
    >
      <Loaded query={query}>{({ items }) => children(items.slice(0, SHOWN))}</Loaded>
    </Container>
  );
}
