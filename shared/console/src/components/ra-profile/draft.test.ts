import { expect, test } from 'vitest';

import type { TemplateView } from '../../api/schema';
import { DEFAULT_RULES, rulesDraftOf, templateOf } from './draft';

const TEMPLATE: TemplateView = {
  validity: 'P90D',
  backdate: 'PT1H',
  rsaMinBits: 3072,
  ecCurves: ['P256'],
  subject: {
    required: ['CN'],
    allowed: ['CN', '1.2.3.4'],
    fixed: { O: 'Corp' },
    commonNamePattern: 'router-[0-9]+',
  },
  subjectAltName: {
    types: ['dns', 'upn'],
    patterns: { dns: '.*\\.example', upn: '.*@corp\\.example' },
    commonNameAsDns: true,
    ignoreOthers: true,
    sidForm: 'URI',
  },
  keyUsage: ['digitalSignature'],
  extendedKeyUsage: ['clientAuth', '1.3.6.1.4.1.311.20.2.2'],
  crlDistributionPoint: false,
};

test('an edit that changes nothing sends the rules as they are', () => {
  expect(templateOf(rulesDraftOf(TEMPLATE))).toEqual(TEMPLATE);
});

test('an empty field stands for its default', () => {
  expect(templateOf(DEFAULT_RULES)).toMatchObject({
    validity: null,
    backdate: null,
    rsaMinBits: null,
    subject: { allowed: null, commonNamePattern: null },
  });
});

test('no attribute allowed is something else than any', () => {
  const none = { ...DEFAULT_RULES, isSubjectLimited: true };
  expect(templateOf(none).subject?.allowed).toEqual([]);
  expect(rulesDraftOf(templateOf(none)).isSubjectLimited).toBe(true);
  expect(rulesDraftOf(templateOf(DEFAULT_RULES)).isSubjectLimited).toBe(false);
});

test('rows without a name are no patterns, and a text is no number', () => {
  const rules = {
    ...DEFAULT_RULES,
    namePatterns: [
      { name: ' dns ', value: '.*' },
      { name: '', value: 'forgotten' },
    ],
    rsaMinBits: 'many',
  };
  expect(templateOf(rules).subjectAltName?.patterns).toEqual({ dns: '.*' });
  expect(templateOf(rules).rsaMinBits).toBe(1_000_000);
});
