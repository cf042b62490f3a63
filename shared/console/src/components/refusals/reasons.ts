import { ENDPOINT_REASONS } from './endpoint-reasons';
import { MESSAGE_REASONS } from './message-reasons';
import { REQUEST_REASONS } from './request-reasons';
import { wordsOf } from './words';

/** A reason for which the server refuses requests. */
export interface RefusalReason {
  /** What is wrong, in a few words. */
  title: string;
  /** What an administrator can do about it, in sentences. */
  advice: string;
}

/** Every reason that this version knows, by the code that the API has for it. */
export const REFUSAL_REASONS: ReadonlyMap<string, RefusalReason> = new Map(
  Object.entries({ ...ENDPOINT_REASONS, ...MESSAGE_REASONS, ...REQUEST_REASONS }),
);

/** The reason with this code. A code that a later server has is made readable. */
export function refusalReason(code: string): RefusalReason {
  return (
    REFUSAL_REASONS.get(code) ?? {
      title: wordsOf(code),
      advice: 'The message above says what is wrong.',
    }
  );
}
