/** How often the first page asks for news, in milliseconds. */
export const REFRESH = 30_000;
