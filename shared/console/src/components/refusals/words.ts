/** A camelCase code as words: `keyRevoked` is "Key revoked". */
export function wordsOf(code: string): string {
  const words = code.replace(/([a-z0-9])([A-Z])/g, '$1 $2').toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
