import BreadcrumbGroup from '@cloudscape-design/components/breadcrumb-group';
import ContentLayout from '@cloudscape-design/components/content-layout';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useEffect, type ReactNode } from 'react';
import { useNavigate } from 'react-router';

import { addressOf, pathOf } from './addresses';

/** A link to a page above this one. */
export interface Parent {
  text: string;
  href: string;
}

/** A page: its heading, the way back, what can be done with the whole of it, and its contents. */
export function Page({
  title,
  description,
  parents = [],
  actions,
  children,
}: {
  title: string;
  description?: ReactNode;
  parents?: Parent[];
  actions?: ReactNode;
  children: ReactNode;
}) {
  const navigate = useNavigate();
  useEffect(() => {
    document.title = `${title} · Scepter`;
  }, [title]);
  return (
    <ContentLayout
      breadcrumbs={
        parents.length > 0 && (
          <BreadcrumbGroup
            items={[
              ...parents.map(({ text, href }) => ({ text, href: addressOf(href) })),
              { text: title, href: '#' },
            ]}
            onFollow={(event) => {
              event.preventDefault();
              void navigate(pathOf(event.detail.href));
            }}
          />
        )
      }
      header={
        <Header variant="h1" description={description} actions={actions}>
          {title}
        </Header>
      }
    >
      <SpaceBetween size="l">{children}</SpaceBetween>
    </ContentLayout>
  );
}
