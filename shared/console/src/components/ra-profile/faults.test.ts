import { expect, test } from 'vitest';

import { DEFAULT_RULES, NEW_RA_PROFILE } from './draft';
import { raProfileFaults, rulesFaults } from './faults';

test('the default rules have no fault', () => {
  expect(rulesFaults(DEFAULT_RULES).filter((fault) => fault !== undefined)).toEqual([]);
});

test('everything that is wrong is said at once', () => {
  const rules = { ...DEFAULT_RULES, validity: 'P', rsaMinBits: '12', nameTypes: ['email', 'upn'] };
  const faults = raProfileFaults({ ...NEW_RA_PROFILE, rules });
  expect(faults.filter((fault) => fault !== undefined)).toEqual([
    'name: Enter a name.',
    'authorityUuid: Choose an authority.',
    'certificateTemplate.validity: Enter a whole number from 1 on.',
    'certificateTemplate.rsaMinBits: Enter a whole number from 1024 to 8192.',
    'certificateTemplate.subjectAltName.patterns: Add a pattern for email and upn.',
  ]);
});

test('a type that has a pattern needs no other', () => {
  const namePatterns = [{ name: 'email', value: '.*@corp.example' }];
  const faults = rulesFaults({ ...DEFAULT_RULES, nameTypes: ['email'], namePatterns });
  expect(faults.filter((fault) => fault !== undefined)).toEqual([]);
});
