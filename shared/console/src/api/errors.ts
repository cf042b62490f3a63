import { sentenceOf } from './sentences';

/** A response of the management API other than success, or none at all. */
export class ApiError extends Error {
  /** The HTTP status; 0 when there was no response. */
  readonly status: number;
  /** Why, in sentences of the API; those about a field begin with its JSON path and a colon. */
  readonly reasons: string[];

  constructor(status: number, reasons: string[]) {
    super(reasons.join('\n'));
    this.status = status;
    this.reasons = reasons;
  }

  /** Whether somebody else changed the object in the meantime. */
  get isConflict(): boolean {
    return this.status === 409 || this.status === 412;
  }
}

/** The error in the body of a response: `{"message"}`, a list of reasons, or anything else. */
export function readError(status: number, body: unknown): ApiError {
  if (Array.isArray(body)) {
    return new ApiError(status, body.map(String));
  }
  if (typeof body === 'object' && body !== null && 'message' in body) {
    return new ApiError(status, [String(body.message)]);
  }
  return new ApiError(status, [`The server answered with status ${status}.`]);
}

/** The reasons of an error that are about a field, without its JSON path, as sentences. */
export function reasonsAbout(error: unknown, field: string): string | undefined {
  if (!(error instanceof ApiError)) {
    return undefined;
  }
  const about = error.reasons.filter((reason) => isAbout(reason, field));
  return (
    about.map((reason) => sentenceOf(reason.slice(reason.indexOf(': ') + 2))).join('\n') ||
    undefined
  );
}

/** The reasons of an error that are about none of the fields that a form shows. */
export function otherReasons(error: unknown, fields: string[]): string[] {
  if (!(error instanceof ApiError)) {
    return error instanceof Error ? [error.message] : [];
  }
  return error.reasons.filter((reason) => !fields.some((field) => isAbout(reason, field)));
}

function isAbout(reason: string, field: string): boolean {
  const path = reason.split(': ', 1)[0] ?? '';
  return path === field || path.startsWith(`${field}.`) || path.startsWith(`${field}[`);
}
