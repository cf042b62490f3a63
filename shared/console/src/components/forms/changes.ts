/** What the user is told who leaves a form. */
export const UNSAVED = 'What you typed is not saved, and is lost when you leave this page.';

/** Whether a draft is another one than it began as. */
export function hasChanged(draft: object, original: object): boolean {
  return JSON.stringify(draft) !== JSON.stringify(original);
}
