import { createContext, use } from 'react';

import { reasonsAbout } from '../../api/errors';

/** What the API says about the object that a form edits. */
export interface Problems {
  /** Why the last save failed. */
  error?: unknown;
  /** Warnings about the object as it was saved. */
  warnings?: string[];
  /** The path that reasons and warnings lack: those of rules lack `certificateTemplate`. */
  warningPrefix?: string;
}

export const FormProblems = createContext<Problems>({});

/** The texts that belong beside a field, by its JSON path. */
export function useProblems(path: string): { error?: string; warning?: string } {
  const { error, warnings = [], warningPrefix = '' } = use(FormProblems);
  return {
    error: reasonsAbout(error, path),
    warning: warningsAbout(warnings, path, warningPrefix).join('\n') || undefined,
  };
}

/** The warnings that begin with the JSON path of a field, without it.
 *  @param prefix - of the field's path, which warnings leave out. */
export function warningsAbout(warnings: string[], path: string, prefix = ''): string[] {
  const short = path.startsWith(prefix) ? path.slice(prefix.length) : path;
  return warnings
    .filter((warning) => warning.startsWith(`${short}: `))
    .map((warning) => warning.slice(short.length + 2));
}

/** The warnings that are about none of the fields that a form shows. */
export function otherWarnings(warnings: string[], paths: string[], prefix = ''): string[] {
  return warnings.filter((warning) =>
    paths.every((path) => warningsAbout([warning], path, prefix).length === 0),
  );
}
