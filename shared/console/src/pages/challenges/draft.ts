import type { ChallengeRequest } from '../../api/schema';
import { durationOf, type DurationDraft } from '../../components/forms/duration';
import type { Faults } from '../../components/forms/faults';
import { durationProblem } from './duration';

/** A name and its value, as typed. */
export interface NamedValue {
  name: string;
  value: string;
}

/** A challenge as typed. */
export interface ChallengeDraft {
  validity: DurationDraft;
  note: string;
  uses: string;
  hold: boolean;
  /** Attributes of the subject. */
  subject: NamedValue[];
  /** Names by type. */
  names: NamedValue[];
  /** The types of which the certificate must have no name. */
  without: string[];
  sid: string;
  raProfileUuid: string;
  transactionId: string;
}

export const EMPTY_DRAFT: ChallengeDraft = {
  validity: { amount: '1', unit: 'hours' },
  note: '',
  uses: '',
  hold: false,
  subject: [{ name: 'CN', value: '' }],
  names: [],
  without: [],
  sid: '',
  raProfileUuid: '',
  transactionId: '',
};

/** The types of names that a challenge can vouch for. */
export const NAME_TYPES = [
  { value: 'dns', label: 'DNS name' },
  { value: 'ip', label: 'IP address' },
  { value: 'email', label: 'Email address' },
  { value: 'uri', label: 'URI' },
  { value: 'upn', label: 'User principal name' },
];

/** The request for a challenge. What was left empty is left to the rules of the RA Profile. */
export function requestOf(draft: ChallengeDraft): ChallengeRequest {
  const subject = Object.fromEntries(typed(draft.subject).map(({ name, value }) => [name, value]));
  const request: ChallengeRequest = { validity: durationOf(draft.validity) };
  if (draft.note.trim()) {
    request.note = draft.note.trim();
  }
  if (draft.uses.trim()) {
    request.uses = Number(draft.uses);
  }
  if (draft.hold) {
    request.hold = true;
  }
  if (Object.keys(subject).length > 0) {
    request.subject = subject;
  }
  const names = namesOf(typed(draft.names), draft.without, draft.sid.trim());
  if (Object.keys(names).length > 0) {
    request.subjectAltNames = names;
  }
  if (draft.raProfileUuid) {
    request.raProfileUuid = draft.raProfileUuid;
  }
  if (draft.transactionId.trim()) {
    request.transactionId = draft.transactionId.trim();
  }
  return request;
}

/** The names of a request by type; a type without names has an empty list. */
export function namesOf(names: NamedValue[], without: string[], sid: string) {
  const byType = new Map(without.map((type): [string, string[]] => [type, []]));
  for (const { name, value } of names) {
    byType.set(name, [...(byType.get(name) ?? []), value]);
  }
  return { ...Object.fromEntries(byType), ...(sid && { sid }) };
}

/** Why a number of uses cannot be used; nothing stands for the default. */
export function usesProblem(uses: string): string | undefined {
  const text = uses.trim();
  return text === '' || (/^\d{1,3}$/.test(text) && Number(text) >= 1 && Number(text) <= 100)
    ? undefined
    : 'Enter a whole number from 1 to 100.';
}

/** Why a note cannot be used. */
export function noteProblem(note: string): string | undefined {
  return note.length > 300 ? 'A note has at most 300 characters.' : undefined;
}

/** What is wrong with a challenge as typed. */
export function challengeFaults(draft: ChallengeDraft): Faults {
  const problems: [string, string | undefined][] = [
    ['validity', durationProblem(draft.validity)],
    ['note', noteProblem(draft.note)],
    ['subject', pairsProblem(draft.subject, true)],
    ['subjectAltNames', pairsProblem(draft.names, false)],
    ['uses', usesProblem(draft.uses)],
  ];
  return problems.map(([path, problem]) => problem && `${path}: ${problem}`);
}

/** What is wrong with attributes or names: one typed twice, or half. */
export function pairsProblem(pairs: NamedValue[], isUnique: boolean): string | undefined {
  const filled = pairs.filter(({ value }) => value.trim() !== '');
  if (filled.some(({ name }) => name.trim() === '')) {
    return 'Choose what each value is.';
  }
  const names = filled.map(({ name }) => name.trim().toLowerCase());
  return isUnique && new Set(names).size < names.length ? 'Enter each attribute once.' : undefined;
}

function typed(pairs: NamedValue[]): NamedValue[] {
  return pairs
    .map(({ name, value }) => ({ name: name.trim(), value: value.trim() }))
    .filter(({ name, value }) => name !== '' && value !== '');
}
