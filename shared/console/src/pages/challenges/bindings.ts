import type { ChallengeView } from '../../api/schema';
import { vouchedNames } from './batches';
import { NAME_TYPES } from './draft';

/** What a challenge binds a request to, in words. */
export function bindings(challenge: ChallengeView, raProfileName: (uuid: string) => string) {
  const { subject, subjectAltNames, raProfileUuid, transactionId, hold } = challenge;
  const given = new Map<string, unknown>(Object.entries(subjectAltNames));
  const sid = given.get('sid');
  return [
    ...Object.entries(subject).map(([attribute, value]) => `${attribute}=${value}`),
    ...NAME_TYPES.filter(({ value }) => Array.isArray(given.get(value))).map(
      ({ value, label }) =>
        `${label}: ${vouchedNames(subjectAltNames, value).join(', ') || 'none'}`,
    ),
    ...(typeof sid === 'string' ? [`SID: ${sid}`] : []),
    ...(raProfileUuid ? [`RA Profile: ${raProfileName(raProfileUuid)}`] : []),
    ...(transactionId ? [`transactionID: ${transactionId}`] : []),
    ...(hold ? ['waits for approval'] : []),
  ];
}
