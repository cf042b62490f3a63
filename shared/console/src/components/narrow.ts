import { useSyncExternalStore } from 'react';

// Below it, a table has no room for more than two columns.
const narrow = matchMedia('(width < 700px)');

/** Whether the window is as narrow as a phone. */
export function useIsNarrow(): boolean {
  return useSyncExternalStore(subscribe, () => narrow.matches);
}

function subscribe(notify: () => void): () => void {
  narrow.addEventListener('change', notify);
  return () => narrow.removeEventListener('change', notify);
}
