/** What a form does with a secret that the API stores and never shows. */
export interface SecretDraft {
  choice: 'keep' | 'replace' | 'clear';
  /** The new secret; counts when `choice` is `replace`. */
  value: string;
}

/** Leaves a stored secret as it is, or begins to type one where there is none. */
export function untouchedSecret(isStored: boolean): SecretDraft {
  return { choice: isStored ? 'keep' : 'replace', value: '' };
}

/** The value of the secret's field in a request: `undefined` keeps, `null` clears. An empty field
 *  sets nothing, so that the API says what is missing. */
export function secretValue({ choice, value }: SecretDraft): string | null | undefined {
  switch (choice) {
    case 'keep':
      return undefined;
    case 'clear':
      return null;
    case 'replace':
      return value === '' ? undefined : value;
  }
}
