import { readFileSync } from 'node:fs';

/** The codes that the API has for the variants of an enum of the server's, for tests.
 *  @param file - its source in the crate scep-protocol. */
export function codesOf(file: string, name: string): string[] {
  const source = readFileSync(`../scep-protocol/src/${file}`, 'utf8');
  const body = new RegExp(`pub enum ${name} \\{\\n([^]*?)\\n\\}`).exec(source)?.[1] ?? '';
  return [...body.matchAll(/^ {4}([A-Z])(\w+)/gm)].map(
    ([, first, rest]) => `${first?.toLowerCase() ?? ''}${rest ?? ''}`,
  );
}
