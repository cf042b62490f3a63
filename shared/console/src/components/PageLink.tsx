import Link, { type LinkProps } from '@cloudscape-design/components/link';
import type { ReactNode } from 'react';
import { useHref, useNavigate } from 'react-router';

/** A link to a page of the console. */
export function PageLink({
  to,
  variant,
  children,
}: {
  to: string;
  variant?: LinkProps.Variant;
  children: ReactNode;
}) {
  const navigate = useNavigate();
  const href = useHref(to);
  return (
    <Link
      href={href}
      variant={variant}
      onFollow={(event) => {
        // This event is of a plain click; other buttons and keys open the page elsewhere.
        event.preventDefault();
        void navigate(to);
      }}
    >
      {children}
    </Link>
  );
}
