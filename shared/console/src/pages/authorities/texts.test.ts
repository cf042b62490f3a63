import { expect, test } from 'vitest';

import { installationOf, listOf, orDefault, rolloverStage } from './texts';

const pem = (text: string) => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`;

test('a bundle is divided into the certificate and what is above it', () => {
  expect(installationOf(pem('AA') + pem('BB'), pem('CC'))).toEqual({
    certificate: pem('AA'),
    chain: [pem('BB'), pem('CC')],
  });
  // The server says what is wrong with it.
  expect(installationOf('nonsense', '')).toEqual({ certificate: 'nonsense', chain: [] });
});

test('the stage of a rollover follows from the next generation', () => {
  expect(rolloverStage({})).toBe('none');
  expect(rolloverStage({ nextState: 'AWAITING_CERTIFICATE' })).toBe('awaitingCertificate');
  expect(rolloverStage({ nextState: 'ACTIVE' })).toBe('announced');
});

test('an empty field is left to its default', () => {
  expect(orDefault('  ')).toBeUndefined();
  expect(orDefault(' P1Y ')).toBe('P1Y');
});

test('a list is separated by commas or spaces', () => {
  expect(listOf(' serverAuth, 1.2.3 ,')).toEqual(['serverAuth', '1.2.3']);
  expect(listOf('')).toEqual([]);
});
