import { expect, test } from 'vitest';

import { derOfPem, fileName, pemCertificates, pemOfFile } from './certificate-files';

const der = new Uint8Array(300).map((_, place) => (place * 7) % 256);
der.set([0x30, 0x82, 0x01, 0x28]);
const pem = pemOfFile(der);

test('a certificate survives the way to PEM and back', () => {
  expect(pem.split('\n')[0]).toBe('-----BEGIN CERTIFICATE-----');
  expect(Math.max(...pem.split('\n').map((line) => line.length))).toBe(64);
  expect(derOfPem(pem)).toEqual(der);
});

test('a file of text stays as it is', () => {
  expect(pemOfFile(new TextEncoder().encode('0123\n'))).toBe('0123\n');
});

test('the certificates of a bundle are found between comments', () => {
  const bundle = `subject=CN = sub\r\n${pem}\nissuer: "root"\n${pem}-----BEGIN PRIVATE KEY-----\nAA==\n`;
  expect(pemCertificates(bundle)).toEqual([pem, pem]);
  expect(pemCertificates('nothing')).toEqual([]);
});

test('the name of a file holds nothing but plain characters', () => {
  expect(fileName('CN=router-1,O=Corp', 'cer')).toBe('CN-router-1-O-Corp.cer');
  expect(fileName('../../etc/passwd', 'pem')).toBe('etc-passwd.pem');
  expect(fileName('証明書', 'pem')).toBe('certificate.pem');
});
