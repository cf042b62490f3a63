import type { RequestedContents, TransactionView } from '../../api/schema';

/** A property of a certificate: what the device asked for, and what it will get. */
export interface ReviewRow {
  property: string;
  /** `null` when it cannot be asked for, or the request is gone. */
  asked: string | null;
  certified: string;
  /** Whether it says who gets the certificate: shown once more before approval. */
  identifies: boolean;
}

/** What approving a request would certify, beside what was asked for. Empty when there is nothing
 *  left to sign. */
export function reviewRows(transaction: TransactionView): ReviewRow[] {
  if (!transaction.publicKeySha256) {
    return [];
  }
  const { requested, sid, notBefore, notAfter } = transaction;
  const asked = (text: (requested: RequestedContents) => string) =>
    requested ? text(requested) : null;
  const row = (property: string, asked: string | null, certified: string, identifies = false) => ({
    property,
    asked,
    certified,
    identifies,
  });
  return [
    row(
      'Subject',
      asked(({ subject }) => subject || 'none'),
      transaction.subject || 'none',
      true,
    ),
    row(
      'Names',
      asked(({ subjectAltNames }) => listText(subjectAltNames)),
      listText(transaction.subjectAltNames),
      true,
    ),
    ...(sid || requested?.sid
      ? [
          row(
            'Security identifier (SID)',
            asked((requested) => requested.sid ?? 'none'),
            sid ?? 'none',
            true,
          ),
        ]
      : []),
    row('SHA-256 of the key', null, transaction.publicKeySha256, true),
    row('Key usage', null, listText(transaction.keyUsage)),
    row(
      'Extended key usage',
      asked(({ extendedKeyUsage }) => listText(extendedKeyUsage)),
      listText(transaction.extendedKeyUsage),
    ),
    row('Valid', null, `${dayText(notBefore)} to ${dayText(notAfter)}`),
  ];
}

/** What changed between two versions of a request that an administrator reviews, in sentences. */
export function reviewChanges(before: TransactionView, after: TransactionView): string[] {
  if (before.status !== after.status) {
    return [`Its status is now ${after.status}.`];
  }
  const old = new Map(reviewRows(before).map((row) => [row.property, row]));
  return reviewRows(after).flatMap(({ property, certified }) => {
    const was = old.get(property)?.certified;
    return was === certified ? [] : [`${property}: ${textOr(was)} became ${certified}.`];
  });
}

function listText(values: readonly string[] | null | undefined): string {
  return values && values.length > 0 ? values.join(', ') : 'none';
}

function dayText(value: string | null | undefined): string {
  return value ? value.slice(0, 10) : 'unknown';
}

function textOr(value: string | undefined): string {
  return value || 'nothing';
}
