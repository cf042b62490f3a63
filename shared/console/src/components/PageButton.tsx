import Button, { type ButtonProps } from '@cloudscape-design/components/button';
import type { ReactNode } from 'react';
import { useHref, useNavigate } from 'react-router';

/** A button that leads to a page of the console.
 *  @param denial - why the caller may not use it. */
export function PageButton({
  to,
  variant,
  denial,
  children,
}: {
  to: string;
  variant?: ButtonProps.Variant;
  denial?: string | undefined;
  children: ReactNode;
}) {
  const navigate = useNavigate();
  const href = useHref(to);
  return (
    <Button
      href={href}
      variant={variant}
      disabled={denial !== undefined}
      disabledReason={denial}
      wrapText={false}
      onFollow={(event) => {
        event.preventDefault();
        void navigate(to);
      }}
    >
      {children}
    </Button>
  );
}
