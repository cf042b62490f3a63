import type { FlashbarProps } from '@cloudscape-design/components/flashbar';
import { createContext, use, useCallback, useMemo, useState, type ReactNode } from 'react';

import { ApiError } from '../api/errors';

interface Notifier {
  items: FlashbarProps.MessageDefinition[];
  /** Says that something was done. */
  succeed: (message: string) => void;
  /** Says that something was not done, and why. */
  fail: (header: string, error: unknown) => void;
}

const Context = createContext<Notifier>({ items: [], succeed: () => {}, fail: () => {} });

/** Shows messages above the page that outlive it. */
export function Notifications({ children }: { children: ReactNode }) {
  const [items, setItems] = useState<FlashbarProps.MessageDefinition[]>([]);
  const add = useCallback((item: FlashbarProps.MessageDefinition) => {
    const id = crypto.randomUUID();
    const dismiss = () => setItems((items) => items.filter((item) => item.id !== id));
    setItems((items) => [
      { ...item, id, dismissible: true, dismissLabel: 'Dismiss', onDismiss: dismiss },
      ...items,
    ]);
    if (item.type === 'success') {
      setTimeout(dismiss, 8_000);
    }
  }, []);
  const notifier = useMemo<Notifier>(
    () => ({
      items,
      succeed: (content) => add({ type: 'success', content }),
      fail: (header, error) => add({ type: 'error', header, content: describe(error) }),
    }),
    [items, add],
  );
  return <Context value={notifier}>{children}</Context>;
}

/** The functions that show messages. */
export function useNotify(): Pick<Notifier, 'succeed' | 'fail'> {
  return use(Context);
}

/** The messages to be shown. */
export function useFlashbarItems(): FlashbarProps.MessageDefinition[] {
  return use(Context).items;
}

function describe(error: unknown): ReactNode {
  if (error instanceof ApiError) {
    return error.reasons.map((reason) => <div key={reason}>{reason}</div>);
  }
  return error instanceof Error ? error.message : String(error);
}
