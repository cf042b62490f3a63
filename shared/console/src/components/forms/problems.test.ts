import { expect, test } from 'vitest';

import { otherWarnings, warningsAbout } from './problems';

const WARNINGS = [
  'extendedKeyUsage: ocspSigning makes a device speak for the authority.',
  'subjectAltName.types: upn has no pattern.',
  'RA Profile routers: every holder may choose the CN.',
];
const PREFIX = 'certificateTemplate.';

test('a warning stands beside the field that it is about', () => {
  const path = 'certificateTemplate.subjectAltName.types';
  expect(warningsAbout(WARNINGS, path, PREFIX)).toEqual(['upn has no pattern.']);
  expect(warningsAbout(WARNINGS, 'certificateTemplate.subjectAltName', PREFIX)).toEqual([]);
  expect(warningsAbout(['webhook: it is idle.'], 'webhook')).toEqual(['it is idle.']);
});

test('a warning about no field is left for the top of the form', () => {
  const paths = [
    'certificateTemplate.extendedKeyUsage',
    'certificateTemplate.subjectAltName.types',
  ];
  expect(otherWarnings(WARNINGS, paths, PREFIX)).toEqual([WARNINGS[2]]);
});
