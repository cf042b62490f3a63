import ContentLayout from '@cloudscape-design/components/content-layout';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useEffect, type ReactNode } from 'react';

import { Breadcrumbs, type Parent } from './Breadcrumbs';

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
  useEffect(() => {
    document.title = `${title} · Scepter`;
  }, [title]);
  return (
    <ContentLayout
      header={
        <Header variant="h1" description={description} actions={actions}>
          {title}
        </Header>
      }
    >
      <Breadcrumbs parents={parents} title={title} />
      <SpaceBetween size="l">{children}</SpaceBetween>
    </ContentLayout>
  );
}
