/** A number that is out of the range of every field. */
const OUT_OF_RANGE = 1_000_000;

/** The number that was typed; `null` for the default. What is no number is left to the API, which
 *  names the range: it is sent as one that is out of it. */
export function numberOf(text: string): number | null {
  const trimmed = text.trim();
  if (trimmed === '') {
    return null;
  }
  return /^\d{1,6}$/.test(trimmed) ? Number(trimmed) : OUT_OF_RANGE;
}
