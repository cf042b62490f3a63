import {
  durationFault,
  emptyFault,
  lengthFault,
  nameFault,
  rangeFault,
  type Faults,
} from '../forms/faults';
import type { RaProfileDraft, RulesDraft } from './draft';
import { RULES_PREFIX } from './labels';

/** What is wrong with an RA Profile as typed. */
export function raProfileFaults(draft: RaProfileDraft): Faults {
  return [
    nameFault('name', draft.name),
    lengthFault('description', draft.description, 300),
    emptyFault('authorityUuid', draft.authorityUuid, 'Choose an authority.'),
    ...rulesFaults(draft.rules),
  ];
}

/** What is wrong with rules as typed. The API says whether a pattern is a regular expression. */
export function rulesFaults(rules: RulesDraft): Faults {
  const patterned = rules.namePatterns.map(({ name }) => name.trim());
  const unpatterned = PATTERNED.filter(
    (type) => rules.nameTypes.includes(type) && !patterned.includes(type),
  );
  return [
    durationFault(`${RULES_PREFIX}validity`, rules.validity),
    durationFault(`${RULES_PREFIX}backdate`, rules.backdate),
    rangeFault(`${RULES_PREFIX}rsaMinBits`, rules.rsaMinBits, [1024, 8192]),
    unpatterned.length > 0
      ? `${RULES_PREFIX}subjectAltName.patterns: Add a pattern for ${unpatterned.join(' and ')}.`
      : undefined,
  ];
}

/** The types of names that are allowed only with a pattern. */
const PATTERNED = ['email', 'uri', 'upn'];
