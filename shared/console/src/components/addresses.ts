/** Where the server serves the console. */
const BASE = '/console';

/** The address of a page, for links that may be opened in another tab.
 *  @param path - the page's path in the console: `/requests`. */
export function addressOf(path: string): string {
  return `${BASE}${path}`;
}

/** The path in the console of a page's address. */
export function pathOf(address: string): string {
  return address.slice(BASE.length);
}
