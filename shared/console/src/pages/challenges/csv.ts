import Papa from 'papaparse';

import type { ChallengeRequest } from '../../api/schema';
import { namesOf, NAME_TYPES, usesProblem, type NamedValue } from './draft';

/** The columns of a file that make challenges, with what they mean. Attributes of the subject have
 *  columns of their own: `subject.CN`, `subject.O`, … */
export const COLUMNS = [
  { name: 'note', text: 'A note for the records of the certificates, at most 300 characters.' },
  { name: 'validity', text: 'An ISO 8601 duration: PT1H is one hour, P30D is 30 days.' },
  { name: 'uses', text: 'How many certificates it is good for, 1 to 100.' },
  { name: 'hold', text: 'true: an administrator approves each enrolment.' },
  { name: 'subject.CN', text: 'CN of the subject. Other attributes: subject.O, subject.OU, …' },
  { name: 'dns', text: 'DNS names, separated by |.' },
  { name: 'ip', text: 'IP addresses, separated by |.' },
  { name: 'email', text: 'Email addresses, separated by |.' },
  { name: 'uri', text: 'URIs, separated by |.' },
  { name: 'upn', text: 'User principal names, separated by |.' },
  { name: 'sid', text: 'The security identifier of the account.' },
  { name: 'transactionId', text: 'The only transactionID for which it is valid.' },
  { name: 'raProfile', text: 'Name of the only RA Profile at which it is valid.' },
] as const;

const SUBJECT = 'subject.';

/** What a name's cell says when the certificate must have no name of this type. */
const NONE = '-';

/** The most challenges of one file. */
export const MAX_ROWS = 10_000;

/** A row of a file. */
export interface CsvRow {
  /** Its number as a spreadsheet shows it; the header is row 1. */
  number: number;
  request: ChallengeRequest;
  errors: string[];
}

/** What a file asks for. */
export interface CsvContents {
  rows: CsvRow[];
  /** What is wrong with the file as a whole. */
  errors: string[];
}

/** What a file means where it says nothing. */
export interface CsvDefaults {
  /** An ISO 8601 duration. */
  validity: string;
  raProfiles: { uuid: string; name: string }[];
}

/** The text of a file.
 *  @throws when it is not UTF-8. */
export function decodeCsv(bytes: ArrayBuffer): string {
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
}

/** Reads a file: separated by commas, semicolons or tabs, with a header. */
export function parseCsv(text: string, defaults: CsvDefaults): CsvContents {
  const { data, errors } = Papa.parse<string[]>(text, { delimitersToGuess: [',', ';', '\t'] });
  const [header = [], ...records] = data.map((cells) => cells.map((cell) => cell.trim()));
  const problems = [
    ...errors
      .filter(({ type }) => type === 'Quotes')
      .map(({ message, row = 0 }) => `Row ${row + 1}: ${message}.`),
    ...headerProblems(header),
  ];
  if (problems.length > 0) {
    return { rows: [], errors: problems };
  }
  const rows = records
    .map((cells, index) => ({ cells, number: index + 2 }))
    .filter(({ cells }) => cells.some((cell) => cell !== ''))
    .map(({ cells, number }) => readRow(header, cells, number, defaults));
  if (rows.length === 0) {
    return { rows, errors: ['The file has no row below its header.'] };
  }
  return {
    rows,
    errors: rows.length > MAX_ROWS ? [`The file has more than ${MAX_ROWS} rows.`] : [],
  };
}

function headerProblems(header: string[]): string[] {
  const known = new Set<string>(COLUMNS.map(({ name }) => name));
  if (!header.some((name) => known.has(name) || name.startsWith(SUBJECT))) {
    return ['The first row has no name of a column: download the template to see them.'];
  }
  const unknown = header.filter(
    (name) => name !== '' && !known.has(name) && !/^subject\.[A-Za-z0-9.]+$/.test(name),
  );
  const twice = header.filter((name, place) => name !== '' && header.indexOf(name) < place);
  return [
    ...unknown.map(
      (name) =>
        `The column “${name}” is unknown: rename it as “Columns of the file” says, or remove it.`,
    ),
    ...twice.map((name) => `The column “${name}” is there twice.`),
  ];
}

function readRow(
  header: string[],
  cells: string[],
  number: number,
  { validity, raProfiles }: CsvDefaults,
): CsvRow {
  const cell = (name: string) => cells[header.indexOf(name)] ?? '';
  const errors: string[] = [];
  if (cells.slice(header.length).some((text) => text !== '')) {
    errors.push('It has more cells than the header.');
  }
  const request: ChallengeRequest = { validity: cell('validity') || validity };
  if (!/^P(?=[\dT])(\d+W|(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+S)?)?)$/.test(request.validity)) {
    errors.push('validity: not an ISO 8601 duration of days, hours and minutes, such as P7D.');
  }
  if (cell('note')) {
    request.note = cell('note');
    if (request.note.length > 300) {
      errors.push('note: longer than 300 characters.');
    }
  }
  if (cell('uses')) {
    request.uses = Number(cell('uses'));
    if (usesProblem(cell('uses'))) {
      errors.push('uses: not a whole number from 1 to 100.');
    }
  }
  if (cell('hold')) {
    const hold = HOLD.get(cell('hold').toLowerCase());
    request.hold = hold === true;
    if (hold === undefined) {
      errors.push('hold: neither true nor false.');
    }
  }
  const subject = header
    .filter((name) => name.startsWith(SUBJECT) && cell(name) !== '')
    .map((name) => [name.slice(SUBJECT.length), cell(name)]);
  if (subject.length > 0) {
    request.subject = Object.fromEntries(subject) as Record<string, string>;
  }
  const names = namesOf(...namesIn(cell), cell('sid'));
  if (Object.keys(names).length > 0) {
    request.subjectAltNames = names;
  }
  if (cell('transactionId')) {
    request.transactionId = cell('transactionId');
  }
  if (cell('raProfile')) {
    const wanted = cell('raProfile');
    const found = raProfiles.find(({ uuid, name }) => name === wanted || uuid === wanted);
    request.raProfileUuid = found?.uuid ?? null;
    if (!found) {
      errors.push(`raProfile: there is no RA Profile “${wanted}”.`);
    }
  }
  return { number, request, errors };
}

/** The names of a row, and the types of which it has none. */
function namesIn(cell: (name: string) => string): [NamedValue[], string[]] {
  const types = NAME_TYPES.map(({ value }) => value);
  const names = types
    .filter((type) => cell(type) !== NONE)
    .flatMap((type) =>
      cell(type)
        .split('|')
        .map((value) => ({ name: type, value: value.trim() })),
    )
    .filter(({ value }) => value !== '');
  return [names, types.filter((type) => cell(type) === NONE)];
}

const HOLD = new Map([
  ['true', true],
  ['yes', true],
  ['1', true],
  ['false', false],
  ['no', false],
  ['0', false],
]);

/** A file to begin with. */
export function templateCsv(): string {
  const header = COLUMNS.map(({ name }) => name);
  const example = new Map<string, string>([
    ['note', 'asset 4711'],
    ['validity', 'P7D'],
    ['uses', '1'],
    ['hold', 'false'],
    ['subject.CN', 'device-7'],
    ['dns', 'device-7.corp.example|device-7.example'],
  ]);
  return writeCsv(header, [header.map((name) => example.get(name) ?? '')]);
}

/** A table as CSV. A cell that a spreadsheet would take for a formula is quoted by an apostrophe. */
export function writeCsv(header: string[], rows: string[][]): string {
  return `${Papa.unparse([header, ...rows], { escapeFormulae: true, newline: '\r\n' })}\r\n`;
}
