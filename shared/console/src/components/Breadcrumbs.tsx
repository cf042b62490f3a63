import BreadcrumbGroup from '@cloudscape-design/components/breadcrumb-group';
import { use } from 'react';
import { createPortal } from 'react-dom';
import { useNavigate } from 'react-router';

import { addressOf, pathOf } from './addresses';
import { BreadcrumbSlot } from './breadcrumb-slot';

/** A link to a page above this one. */
export interface Parent {
  text: string;
  href: string;
}

/** The way to a page, in the bar of the frame. */
export function Breadcrumbs({ parents = [], title }: { parents?: Parent[]; title: string }) {
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
