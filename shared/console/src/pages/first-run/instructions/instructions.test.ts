import { expect, test } from 'vitest';

import { instructionsFor } from '.';
import { mobileconfig, octetsInBase64 } from './apple';
import { escapeName, quoteJava, quoteRouterOs, quoteShell, type Enrolment } from './enrolment';

const IDS = { profile: 'id-1', scep: 'id-2', root: 'id-3' };
const HOSTILE = `x' "$(reboot)\`;&<b>\\?,=\n`;
const SHA1 = 'AD:A4:DA:88:31:A1:4A:B6:28:97:18:69:FC:2D:AD:43:59:F8:10:DD';

const ENROLMENT: Enrolment = {
  url: 'http://127.0.0.1:8080/api/v1/protocols/scep/routers/pkiclient.exe',
  challenge: '54JS65XBYZJDTSSTKFR1EBMZZA',
  deviceName: 'device-1',
  authority: 'CN=Corp CA,O=Corp & Sons',
  authorityPem: '-----BEGIN CERTIFICATE-----\nMIID\nRjCC\n-----END CERTIFICATE-----\n',
  fingerprintSha1: SHA1,
  fingerprintSha256: 'AC:0E',
};

function codeOf(id: string, enrolment: Enrolment): string {
  const found = instructionsFor(enrolment, IDS, true).find((item) => item.id === id);
  return (found?.parts ?? []).map((part) => (part.kind === 'code' ? part.code : '')).join('\n');
}

/** The words of a POSIX shell's command line; quotes and backslashes are read as a shell does. */
function shellWords(line: string): string[] {
  const words = line.matchAll(/(?:'[^']*'|\\[^]|[^\s'\\])+/g);
  return [...words].map(([word]) =>
    word.replace(
      /'([^']*)'|\\([^])/g,
      (_, quoted?: string, escaped?: string) => quoted ?? escaped ?? '',
    ),
  );
}

test('the shell reads any value as one word, as it is', () => {
  for (const text of ['', 'plain', HOSTILE, "''", "'; rm -rf / #"]) {
    expect(shellWords(`echo ${quoteShell(text)} end`)).toEqual(['echo', text, 'end']);
  }
  const words = shellWords(codeOf('strongswan', { ...ENROLMENT, challenge: HOSTILE }));
  expect(words[words.indexOf('--password') + 1]).toBe(HOSTILE);
  const certmonger = shellWords(codeOf('certmonger', { ...ENROLMENT, challenge: HOSTILE }));
  expect(certmonger[certmonger.indexOf('-L') + 1]).toBe(HOSTILE);
});

test('values of other languages end where they should', () => {
  expect(quoteRouterOs('a"b\\c$d?')).toBe('"a\\"b\\\\c\\$d\\?"');
  expect(quoteJava('a"\n')).toBe('"a\\"\\n"');
  expect(escapeName('a, O=b')).toBe('a\\, O\\=b');
  expect(escapeName(' #x ')).toBe('\\ #x\\ ');
});

test('a line of IOS stays one line', () => {
  const lines = codeOf('cisco', { ...ENROLMENT, challenge: 'a\nno aaa new-model' }).split('\n');
  expect(lines).toContain(' password ano aaa new-model');
  expect(codeOf('cisco', ENROLMENT)).toContain(
    ' enrollment url http://127.0.0.1:8080/api/v1/protocols/scep/routers\n',
  );
});

test('a client without a challenge shows where it belongs', () => {
  expect(codeOf('strongswan', { ...ENROLMENT, challenge: null })).toContain(
    "--password 'CHALLENGE'",
  );
});

test('the configuration profile has the SCEP payload and the root', () => {
  const text = mobileconfig({ ...ENROLMENT, deviceName: 'a<b>&"', challenge: '<&>' }, IDS);
  expect(text).toContain('<string>com.apple.security.scep</string>');
  expect(text).toContain('<string>a&lt;b&gt;&amp;&quot;</string>');
  expect(text).toContain('<string>&lt;&amp;&gt;</string>');
  expect(text).toContain('<string>CN=Corp CA,O=Corp &amp; Sons</string>');
  expect(text).toContain('<data>MIIDRjCC</data>');
  expect(text).toContain(`<data>${octetsInBase64(SHA1)}</data>`);
  for (const id of Object.values(IDS)) {
    expect(text).toContain(`<key>PayloadUUID</key>`);
    expect(text).toContain(`<string>${id}</string>`);
  }
});

test('elements of the configuration profile are closed in order, whatever the values', () => {
  const hostile = {
    ...ENROLMENT,
    deviceName: HOSTILE,
    challenge: '</string></dict>',
    authority: ']]>',
  };
  const open: string[] = [];
  for (const [, slash, name = ''] of mobileconfig(hostile, IDS).matchAll(/<(\/?)([a-z]+)[^>]*>/g)) {
    if (slash === '') {
      open.push(name);
    } else {
      expect(open.pop()).toBe(name);
    }
  }
  expect(open).toEqual([]);
});

test('a profile without a challenge has no key for one', () => {
  expect(mobileconfig({ ...ENROLMENT, challenge: null }, IDS)).not.toContain(
    '<key>Challenge</key>',
  );
});

test('a fingerprint becomes its octets', () => {
  expect(octetsInBase64('00:FF:10')).toBe(btoa('\u0000\u00ff\u0010'));
});

test('Windows gets the thumbprint without colons, and a warning where it cannot send', () => {
  const windows = (challenge: string) =>
    JSON.stringify(
      instructionsFor({ ...ENROLMENT, challenge }, IDS, true).find(({ id }) => id === 'windows'),
    );
  expect(windows('ABC')).toContain(SHA1.replaceAll(':', ''));
  expect(windows('ABC')).not.toContain('Windows cannot send');
  expect(windows('p@ss_word')).toContain('Windows cannot send');
});

test('Jamf asks for challenges where they are one-time, and has it typed otherwise', () => {
  const jamf = (hasOneTime: boolean) =>
    JSON.stringify(instructionsFor(ENROLMENT, IDS, hasOneTime).find(({ id }) => id === 'jamf'));
  expect(jamf(true)).toContain('/scep/routers/jamf"');
  expect(jamf(true)).not.toContain(ENROLMENT.challenge);
  expect(jamf(false)).toContain(ENROLMENT.challenge);
});
