import type { RequestedContents, TransactionView } from '../../api/schema';
import { timeText } from '../../components/Time';
import { outcomeOf } from './outcomes';

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
  const { requested, sid, notBefore, notAfter } = transaction;
  const asked = (text: (requested: RequestedContents) => string) =>
    requested ? text(requested) : null;
  return [
    {
      property: 'Subject',
      asked: asked(({ subject }) => subject || 'none'),
      certified: transaction.subject || 'none',
    },
    {
      property: 'Names',
      asked: asked(({ subjectAltNames }) => listText(subjectAltNames)),
      certified: listText(transaction.subjectAltNames),
    },
    ...(sid || requested?.sid
      ? [
          {
            property: 'Security identifier (SID)',
            asked: asked((requested) => requested.sid ?? 'none'),
            certified: sid ?? 'none',
          },
        ]
      : []),
    { property: 'SHA-256 of the key', asked: null, certified: transaction.publicKeySha256 },
    { property: 'Key usage', asked: null, certified: listText(transaction.keyUsage) },
    {
      property: 'Extended key usage',
      asked: asked(({ extendedKeyUsage }) => listText(extendedKeyUsage)),
      certified: listText(transaction.extendedKeyUsage),
    },
    { property: 'Valid', asked: null, certified: `${dayText(notBefore)} to ${dayText(notAfter)}` },
  ];
}

/** What changed between two versions of a request that an administrator reviews, in sentences. */
export function reviewChanges(before: TransactionView, after: TransactionView): string[] {
  if (before.status !== after.status) {
    return [`Its status is now “${outcomeOf(after.status).text}”.`];
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
  return value ? timeText(value, 'day') : 'unknown';
}

function textOr(value: string | undefined): string {
  return value || 'nothing';
}
