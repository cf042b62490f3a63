import { ApiError } from '../../api/errors';
import { isDuration } from '../durations';

/** What is wrong in a form: each begins with the JSON path of its field and a colon, as reasons of
 *  the API do. `undefined` stands for a field that is right. */
export type Faults = (string | undefined)[];

/** Stops a save of what the API would refuse, and says everything that is wrong at once.
 *  @throws ApiError when there is a fault. */
export function refuseFaults(faults: Faults): void {
  const error = faultError(faults);
  if (error) {
    throw error;
  }
}

/** The faults as the error that a form shows beside its fields. */
export function faultError(faults: Faults): ApiError | undefined {
  const reasons = faults.filter((fault) => fault !== undefined);
  return reasons.length > 0 ? new ApiError(422, reasons) : undefined;
}

/** @param sentence - says what to enter. */
export function emptyFault(path: string, text: string, sentence: string): string | undefined {
  return text.trim() === '' ? `${path}: ${sentence}` : undefined;
}

/** Names are part of URLs. */
export function nameFault(path: string, name: string): string | undefined {
  if (name === '') {
    return `${path}: Enter a name.`;
  }
  return /^[A-Za-z0-9._~-]{1,64}$/.test(name)
    ? undefined
    : `${path}: A name has 1 to 64 letters, digits and - . _ ~ and no other characters.`;
}

/** A field that stands for its default when it is empty. */
export function rangeFault(
  path: string,
  text: string,
  [least, most]: [number, number],
): string | undefined {
  const trimmed = text.trim();
  const isInRange =
    /^\d{1,6}$/.test(trimmed) && Number(trimmed) >= least && Number(trimmed) <= most;
  return trimmed === '' || isInRange
    ? undefined
    : `${path}: Enter a whole number from ${least} to ${most}.`;
}

/** A field that stands for its default when it is empty. */
export function durationFault(path: string, text: string): string | undefined {
  return text.trim() === '' || isDuration(text)
    ? undefined
    : `${path}: Enter a whole number from 1 on.`;
}

/** @param most - the greatest number of characters. */
export function lengthFault(path: string, text: string, most: number): string | undefined {
  const { length } = Array.from(text);
  return length > most
    ? `${path}: This has ${length} characters; at most ${most} are allowed.`
    : undefined;
}
