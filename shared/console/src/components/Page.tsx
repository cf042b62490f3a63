import BreadcrumbGroup from '@cloudscape-design/components/breadcrumb-group';
import ContentLayout from '@cloudscape-design/components/content-layout';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { use, useEffect, type ReactNode } from 'react';
import { createPortal } from 'react-dom';
import { useNavigate } from 'react-router';

import { addressOf, pathOf } from './addresses';
import { BreadcrumbSlot } from './breadcrumb-slot';

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

/** The way to a page, in the bar of the frame. */
function Breadcrumbs({ parents, title }: { parents: Parent[]; title: string }) {
  const navigate = useNavigate();
  const slot = use(BreadcrumbSlot);
  const items = [{ text: 'Scepter', href: '/' }, ...parents].map(({ text, href }) => ({
    text,
    href: addressOf(href),
  }));
  return (
    slot &&
    createPortal(
      <BreadcrumbGroup
        items={[...items, { text: title, href: '#' }]}
        onFollow={(event) => {
          event.preventDefault();
          void navigate(pathOf(event.detail.href));
        }}
      />,
      slot,
    )
  );
}
