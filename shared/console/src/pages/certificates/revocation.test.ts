import { expect, test } from 'vitest';

import { reasonText, revocationObstacle, revokedText } from './revocation';

test('only a hold can be revoked again', () => {
  expect(revocationObstacle('VALID', null)).toBeUndefined();
  expect(revocationObstacle('REVOKED', 'certificateHold')).toBeUndefined();
  expect(revocationObstacle('REVOKED', 'superseded')).toBe('It is revoked.');
});

test('reasons and successors are told in words', () => {
  expect(reasonText('keyCompromise')).toBe('key compromise');
  expect(reasonText(null)).toBe('unspecified');
  expect(reasonText('removeFromCRL')).toBe('removefromcrl');
  expect(revokedText(undefined)).toContain('no successors');
  expect(revokedText({ successors: ['a'] })).toContain('one successor ');
  expect(revokedText({ successors: ['a', 'b'] })).toContain('2 successors');
});
