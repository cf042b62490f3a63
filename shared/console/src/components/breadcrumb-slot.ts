import { createContext } from 'react';

/** Where the frame shows the way to a page; pages are shown before the frame has the place. */
export const BreadcrumbSlot = createContext<HTMLElement | null>(null);
