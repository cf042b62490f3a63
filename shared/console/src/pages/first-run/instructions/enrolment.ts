/** What a device needs to enrol, and how its administrator recognises the authority. */
export interface Enrolment {
  /** The SCEP URL, with `/pkiclient.exe`. */
  url: string;
  /** The challenge password; `null` where another source vouches, or nobody has one at hand. */
  challenge: string | null;
  /** The CN that the device asks for. */
  deviceName: string;
  /** The subject of the authority, as RFC 4514 text. */
  authority: string;
  /** The authority's certificate in PEM. */
  authorityPem: string;
  /** Fingerprints of the authority's certificate: pairs of hexadecimal digits and colons. */
  fingerprintSha1: string;
  fingerprintSha256: string;
}

/** A part of an instruction: a sentence, text to be pasted, settings to be entered, or a file. */
export type Part =
  | { kind: 'text'; text: string }
  | { kind: 'code'; name: string; code: string }
  | { kind: 'settings'; settings: [name: string, value: string][] }
  | { kind: 'file'; name: string; type: string; content: string };

/** How a kind of device enrols. */
export interface Instruction {
  id: string;
  title: string;
  parts: Part[];
}

/** Stands for a challenge that the reader has to put in. */
export const NO_CHALLENGE = 'CHALLENGE';

export function challengeOf({ challenge }: Enrolment): string {
  return challenge ?? NO_CHALLENGE;
}

/** A text as one word of a POSIX shell, whatever is in it. */
export function quoteShell(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** A text as a string of RouterOS's scripting language. */
export function quoteRouterOs(text: string): string {
  return `"${text.replace(/["\\$?]/g, (character) => `\\${character}`)}"`;
}

/** A text as a string of Java. */
export function quoteJava(text: string): string {
  return JSON.stringify(text);
}

/** A text as character data of XML. Characters that XML cannot have are left out. */
export function escapeXml(text: string): string {
  return text

    .replace(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** A value of a distinguished name, with what would end it escaped as RFC 4514 says. */
export function escapeName(value: string): string {
  return value.replace(/["+,;<>\\=]|^[ #]|[ ]$/g, (character) => `\\${character}`);
}
