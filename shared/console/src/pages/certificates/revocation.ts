import type { RevokedSuccessors } from '../../api/schema';

/** The reasons of RFC 5280 §5.3.1 that the API accepts, with what each says. */
export const REASONS = [
  { value: 'unspecified', label: 'Unspecified', description: 'No reason is given.' },
  {
    value: 'keyCompromise',
    label: 'Key compromise',
    description: 'Somebody else has, or may have, the private key.',
  },
  {
    value: 'superseded',
    label: 'Superseded',
    description: 'Another certificate has taken its place.',
  },
  {
    value: 'cessationOfOperation',
    label: 'Cessation of operation',
    description: 'The device is no longer in use.',
  },
  {
    value: 'affiliationChanged',
    label: 'Affiliation changed',
    description: 'The subject is no longer right.',
  },
  {
    value: 'privilegeWithdrawn',
    label: 'Privilege withdrawn',
    description: 'The holder may no longer do what it certifies.',
  },
  {
    value: 'certificateHold',
    label: 'Certificate hold',
    description: 'A hold cannot be released here; it can only become final, with another reason.',
  },
  {
    value: 'cACompromise',
    label: 'CA compromise',
    description: 'The key of the authority that issued it is known to somebody else.',
  },
  {
    value: 'aACompromise',
    label: 'AA compromise',
    description: 'What an attribute authority certified can no longer be trusted.',
  },
];

/** A reason in words. */
export function reasonText(reason: string | null | undefined): string {
  const known = REASONS.find(({ value }) => value === reason);
  return (known?.label ?? reason ?? 'unspecified').toLowerCase();
}

/** What was revoked, in words.
 *  @param response - of the API; it has no content when there were no successors to revoke. */
export function revokedText(response?: RevokedSuccessors): string {
  const number = response?.successors.length ?? 0;
  if (number === 0) {
    return 'The certificate was revoked. It had no successors to revoke.';
  }
  const successors = number === 1 ? 'one successor' : `${number} successors`;
  return `The certificate was revoked, and ${successors} with it.`;
}

/** Why a certificate cannot be revoked again; `undefined` when it can be. */
export function revocationObstacle(
  status: string,
  reason: string | null | undefined,
): string | undefined {
  return status === 'REVOKED' && reason !== 'certificateHold' ? 'It is revoked.' : undefined;
}
