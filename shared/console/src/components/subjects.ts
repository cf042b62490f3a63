/** A subject without its first CN, which is shown beside it.
 *  @param subject - RFC 4514 text, in which a backslash escapes commas of values. */
export function withoutCommonName(subject: string): string {
  const parts = subject.match(/(?:\\.|[^,\\])+/g) ?? [];
  const first = parts.findIndex((part) => part.startsWith('CN='));
  return parts.filter((_, place) => place !== first).join(', ');
}
