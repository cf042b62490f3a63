import { ApiError } from '../../api/errors';
import type { ChallengeRequest, NewChallenge } from '../../api/schema';
import { writeCsv, type CsvRow } from './csv';
import { NAME_TYPES } from './draft';

/** The most requests that the API takes at once. */
const MAX_REQUESTS = 500;

/** The most octets of a body that are sent at once; the API takes 1 MiB. */
const MAX_BYTES = 900_000;

/** A challenge that was made for a row of a file. */
export interface Made {
  row: number;
  challenge: NewChallenge;
}

/** How far a file has been sent. Nothing of it is lost when a part fails. */
export interface Progress {
  made: Made[];
  /** Rows for which no challenge was made yet. */
  left: CsvRow[];
}

/** Sends rows in parts, each of which the API carries out whole or not at all.
 *  @param send - sends one part.
 *  @param onProgress - hears of each part that was carried out.
 *  @throws what the first part that fails throws, when the parts before it were heard of. */
export async function sendRows(
  { made, left }: Progress,
  send: (requests: ChallengeRequest[]) => Promise<NewChallenge[]>,
  onProgress: (progress: Progress) => void,
): Promise<void> {
  let progress = { made, left };
  while (progress.left.length > 0) {
    const part = firstPart(progress.left);
    const challenges = await send(part.map(({ request }) => request));
    progress = {
      made: [
        ...progress.made,
        ...challenges.map((challenge, place) => ({ row: part[place]?.number ?? 0, challenge })),
      ],
      left: progress.left.slice(part.length),
    };
    onProgress(progress);
  }
}

/** The rows that fit into one request, in their order. */
export function firstPart(rows: CsvRow[]): CsvRow[] {
  const encoder = new TextEncoder();
  let bytes = 0;
  const end = rows.slice(0, MAX_REQUESTS).findIndex(({ request }) => {
    bytes += encoder.encode(JSON.stringify(request)).length + 1;
    return bytes > MAX_BYTES;
  });
  // A row that alone is too large is sent, so that the API says so.
  return rows.slice(0, end === -1 ? MAX_REQUESTS : Math.max(end, 1));
}

/** The rows with what the API says about them. The reasons name their places in the part that was
 *  sent, which is the first one of those that are left. */
export function withReasons(left: CsvRow[], error: unknown): CsvRow[] {
  if (!(error instanceof ApiError)) {
    return left;
  }
  const size = firstPart(left).length;
  const reasons = error.reasons.map(placedReason).filter((reason) => reason !== undefined);
  return left.map((row, place) => ({
    ...row,
    errors: reasons
      .filter((reason) => place < size && reason.place === place)
      .map(({ text }) => text),
  }));
}

/** The reasons of an error that are about no row. */
export function generalReasons(error: unknown): string[] {
  if (!(error instanceof ApiError)) {
    return [error instanceof Error ? error.message : String(error)];
  }
  return error.reasons.filter((reason) => placedReason(reason) === undefined);
}

function placedReason(reason: string): { place: number; text: string } | undefined {
  const [, place, text] = /^\[(\d+)\](?:: |\.)([^]*)$/.exec(reason) ?? [];
  return place === undefined || text === undefined ? undefined : { place: Number(place), text };
}

/** A file with the secrets of challenges. */
export function secretsCsv(made: Made[]): string {
  const attributes = [...new Set(made.flatMap(({ challenge }) => Object.keys(challenge.subject)))];
  const header = [
    'row',
    'note',
    'challengePassword',
    'expiresAt',
    'uses',
    'uuid',
    ...attributes.map((attribute) => `subject.${attribute}`),
    ...NAME_TYPES.map(({ value }) => value),
  ];
  const rows = made.map(({ row, challenge }) => [
    String(row),
    challenge.note,
    challenge.challengePassword,
    challenge.expiresAt,
    String(challenge.uses),
    challenge.uuid,
    ...attributes.map((attribute) => challenge.subject[attribute] ?? ''),
    ...NAME_TYPES.map(({ value }) => vouchedNames(challenge.subjectAltNames, value).join('|')),
  ]);
  return writeCsv(header, rows);
}

/** The names of a type that a challenge vouches for. */
export function vouchedNames(subjectAltNames: object, type: string): string[] {
  const names = new Map<string, unknown>(Object.entries(subjectAltNames)).get(type);
  return Array.isArray(names) ? names.map(String) : [];
}
