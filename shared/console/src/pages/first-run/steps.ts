import type { FirstRunDraft } from './draft';
import type { Created } from './plan';

/** What every step of the wizard gets. */
export interface StepProps {
  draft: FirstRunDraft;
  onChange: (draft: FirstRunDraft) => void;
  /** What was created before a later step failed; it is not created again. */
  created: Created;
}
