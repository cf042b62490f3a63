import type { AuditItem } from '../../api/schema';

const ACTIONS = new Map([
  ['activate', 'Activated SCEP on'],
  ['approve', 'Approved'],
  ['create', 'Created'],
  ['createChallenges', 'Made challenges of'],
  ['deactivate', 'Deactivated SCEP on'],
  ['delete', 'Deleted'],
  ['deleteChallenge', 'Deleted a challenge of'],
  ['disable', 'Disabled'],
  ['edit', 'Edited'],
  ['enable', 'Enabled'],
  ['freeLockouts', 'Ended lock-outs of'],
  ['installCertificate', 'Installed the certificate of'],
  ['orderKey', 'Ordered, made or used the key of'],
  ['reject', 'Rejected'],
  ['revoke', 'Revoked'],
  ['rollover', 'Rolled over'],
  ['rotate', 'Gave a new key to'],
  ['sign', 'Signed the certificate of'],
  ['testSource', 'Tested a challenge source of'],
]);

/** What each kind of object is called, and where its page is. */
const KINDS = new Map([
  ['authority', { name: 'Authority', path: '/authorities/' }],
  ['certificate', { name: 'Certificate', path: '/certificates/' }],
  ['raProfile', { name: 'RA Profile', path: '/ra-profiles/' }],
  ['scepProfile', { name: 'SCEP Profile', path: '/scep-profiles/' }],
  ['transaction', { name: 'Request', path: '/transactions/' }],
  // It is shown on the page of its authority.
  ['raCertificate', { name: 'RA certificate', path: undefined }],
  ['keyOrder', { name: 'Key order', path: undefined }],
  ['apiToken', { name: 'Token', path: undefined }],
]);

/** What was done, in words that the object follows. */
export function actionText(action: string): string {
  return ACTIONS.get(action) ?? action;
}

/** What a kind of object is called. */
export function kindText(kind: string): string {
  return KINDS.get(kind)?.name ?? kind;
}

/** What a kind of object is called within a sentence. */
export function kindInSentence(kind: string): string {
  return kindText(kind).replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase());
}

/** The page of the object of a record; `undefined` when it has none, or no longer exists. */
export function objectPath({ objectKind, objectUuid, action }: AuditItem): string | undefined {
  const path = action === 'delete' ? undefined : KINDS.get(objectKind)?.path;
  return path === undefined ? undefined : `${path}${objectUuid}`;
}
