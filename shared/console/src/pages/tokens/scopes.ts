import type { Scope } from '../../api/schema';

/** What each scope allows. */
export const SCOPES: { value: Scope; label: string; description: string }[] = [
  {
    value: 'read',
    label: 'read',
    description: 'Reads everything that the API shows; secrets are never shown.',
  },
  {
    value: 'write',
    label: 'write',
    description: 'Creates, edits and deletes authorities, profiles, challenges and tokens.',
  },
  {
    value: 'approve',
    label: 'approve',
    description: 'Approves and rejects requests, and revokes certificates.',
  },
  {
    value: 'challenge',
    label: 'challenge',
    description: 'Makes, lists and deletes one-time challenges and nothing else, for an MDM.',
  },
];

/** The scopes to choose from: a token has none that its maker lacks. */
export function choices(ofCaller: readonly Scope[]) {
  return SCOPES.map((scope) =>
    ofCaller.includes(scope.value)
      ? scope
      : { ...scope, disabled: true, disabledReason: 'Your own sign-in lacks this scope.' },
  );
}

/** The scopes among some texts. */
export function scopesAmong(texts: readonly (string | undefined)[]): Scope[] {
  return SCOPES.map(({ value }) => value).filter((scope) => texts.includes(scope));
}
