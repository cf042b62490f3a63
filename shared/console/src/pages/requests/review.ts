import type { TransactionView } from '../../api/schema';

/** A property of a certificate: what the device asked for, and what it will get. */
export interface ReviewRow {
  property: string;
  /** `null` when it cannot be asked for, or the request is gone. */
  asked: string | null;
  certified: string;
}

/** What approving a request would certify, beside what was asked for. Empty when there is nothing
 *  left to sign. */
export function reviewRows(transaction: TransactionView): ReviewRow[] {
  if (!transaction.publicKeySha256) {
    return [];
  }
  const { sid, notBefore, notAfter } = transaction;
  return [
    { property: 'Names', asked: null, certified: listText(transaction.subjectAltNames) },
    ...(sid ? [{ property: 'Security identifier (SID)', asked: null, certified: sid }] : []),
    { property: 'SHA-256 of the key', asked: null, certified: transaction.publicKeySha256 },
    { property: 'Key usage', asked: null, certified: listText(transaction.keyUsage) },
    {
      property: 'Extended key usage',
      asked: null,
      certified: listText(transaction.extendedKeyUsage),
    },
    { property: 'Valid', asked: null, certified: `${dayText(notBefore)} to ${dayText(notAfter)}` },
  ];
}

/** What changed between two versions of a request that an administrator reviews, in sentences. */
export function reviewChanges(before: TransactionView, after: TransactionView): string[] {
  if (before.status !== after.status) {
    return [`Its status is now ${after.status}.`];
  }
  const old = new Map(reviewRows(before).map((row) => [row.property, row]));
  const subject =
    before.subject === after.subject
      ? []
      : [`Subject: ${textOr(before.subject)} became ${textOr(after.subject)}.`];
  const rows = reviewRows(after).flatMap(({ property, certified }) => {
    const was = old.get(property)?.certified;
    return was === certified ? [] : [`${property}: ${textOr(was)} became ${certified}.`];
  });
  return [...subject, ...rows];
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
