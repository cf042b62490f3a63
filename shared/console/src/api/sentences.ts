// The words with which reasons of the API begin that are no names or values.
const OPENING = /^(a|an|the|at|not|no|only|more|one|each|unknown|must|this|it|longer|shorter)\b/;

/** A reason of the API as a sentence: "not a URL" as "Not a URL.". */
export function sentenceOf(reason: string): string {
  const text = reason === 'missing' ? 'A value is needed.' : reason.trim();
  const opened = text.replace(OPENING, (word) => word.charAt(0).toUpperCase() + word.slice(1));
  return /[.!?:]$/.test(opened) ? opened : `${opened}.`;
}
