import { useEffect, useRef, type RefObject } from 'react';

/** The form whose first faulty field gets the focus when it is refused.
 *  @param error - why the latest save failed. */
export function useFirstFault<T extends HTMLElement>(error: unknown): RefObject<T | null> {
  const form = useRef<T>(null);
  useEffect(() => {
    if (error) {
      focusFirstFault(form.current);
    }
  }, [error]);
  return form;
}

// Groups of choices are not marked as invalid themselves: `Field` marks what surrounds them.
const FAULTY = '[aria-invalid="true"], [data-faulty] :is(input, button, textarea)';

function focusFirstFault(form: HTMLElement | null): void {
  form?.querySelector<HTMLElement>(FAULTY)?.focus();
}
