import Button, { type ButtonProps } from '@cloudscape-design/components/button';
import type { ReactNode } from 'react';

/** A button that does something.
 *  @param denial - why it cannot be used now, which is shown; `undefined` when it can. */
export function ActionButton({
  onClick,
  denial,
  busy = false,
  variant,
  iconName,
  children,
}: {
  onClick: () => void;
  denial?: string | undefined;
  busy?: boolean;
  variant?: ButtonProps.Variant;
  iconName?: ButtonProps['iconName'];
  children: ReactNode;
}) {
  return (
    <Button
      onClick={onClick}
      disabled={denial !== undefined}
      disabledReason={denial}
      loading={busy}
      variant={variant}
      iconName={iconName}
      wrapText={false}
    >
      {children}
    </Button>
  );
}
