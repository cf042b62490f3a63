import { expect, test } from 'vitest';

import { COLUMNS, decodeCsv, parseCsv, templateCsv, writeCsv } from './csv';

const DEFAULTS = { validity: 'PT1H', raProfiles: [{ uuid: 'u-1', name: 'routers' }] };

test('the template is a file without errors, and has every column', () => {
  const { rows, errors } = parseCsv(templateCsv(), DEFAULTS);
  expect(errors).toEqual([]);
  expect(rows).toEqual([
    {
      number: 2,
      errors: [],
      request: {
        validity: 'P7D',
        note: 'asset 4711',
        uses: 1,
        hold: false,
        subject: { CN: 'device-7' },
        subjectAltNames: { dns: ['device-7.corp.example', 'device-7.example'] },
      },
    },
  ]);
  expect(templateCsv().split('\r\n')[0]).toBe(COLUMNS.map(({ name }) => name).join(','));
});

test('rows are numbered as a spreadsheet numbers them', () => {
  const text = '\ufeffsubject.CN;note;dns\r\na;"one\nnote";-\r\n\r\n;;\r\nb;;x|y\r\n';
  const { rows, errors } = parseCsv(text, DEFAULTS);
  expect(errors).toEqual([]);
  expect(rows.map(({ number }) => number)).toEqual([2, 5]);
  expect(rows.map(({ request }) => request.subjectAltNames)).toEqual([
    { dns: [] },
    { dns: ['x', 'y'] },
  ]);
  expect(rows.at(0)?.request.validity).toBe('PT1H');
});

test('errors name the column', () => {
  const text = [
    'note,validity,uses,hold,raProfile',
    `${'x'.repeat(301)},soon,101,perhaps,switches`,
    'a,P1DT2H,1,yes,routers,surplus',
  ].join('\n');
  const { rows } = parseCsv(text, DEFAULTS);
  const columns = rows.map(({ errors }) => errors.map((error) => error.split(':')[0]));
  expect(columns).toEqual([
    ['validity', 'note', 'uses', 'hold', 'raProfile'],
    ['It has more cells than the header.'],
  ]);
  expect(rows.at(1)?.request.raProfileUuid).toBe('u-1');
});

test('durations are those of ISO 8601', () => {
  const problem = (validity: string) =>
    parseCsv(`validity\n${validity}`, DEFAULTS).rows.at(0)?.errors.length;
  expect(['P7D', 'P1W', 'PT1H30M', 'P1DT12H'].map(problem)).toEqual([0, 0, 0, 0]);
  expect(['P', 'PT', 'P1DT', '1h', '-P1D', 'P1H'].map(problem)).toEqual([1, 1, 1, 1, 1, 1]);
});

test('a file that cannot be meant is refused as a whole', () => {
  const errors = (text: string) => parseCsv(text, DEFAULTS).errors;
  expect(errors('name,secret\na,b').at(0)).toMatch(/template/);
  expect(errors('note,secret\na,b')).toEqual([
    'The column “secret” is unknown: rename it as “Columns of the file” says, or remove it.',
  ]);
  expect(errors('note,note\na,b')).toEqual(['The column “note” is there twice.']);
  expect(errors('note\n').at(0)).toMatch(/no row/);
  expect(errors('note,subject.CN\n"a,b').at(0)).toMatch(/^Row 2: /);
  expect(errors(`note\n${'a\n'.repeat(10_001)}`).at(0)).toMatch(/10000/);
});

test('other encodings than UTF-8 are refused', () => {
  expect(decodeCsv(new TextEncoder().encode('ä').buffer)).toBe('ä');
  expect(() => decodeCsv(new Uint8Array([0x61, 0xe4]).buffer)).toThrow();
});

test('what a spreadsheet would calculate is written as text', () => {
  const formulae = ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', 'a,"b"'];
  expect(
    writeCsv(
      ['note'],
      formulae.map((text) => [text]),
    ),
  ).toBe(
    ['note', `"'=1+1"`, `"'+1"`, `"'-1"`, `"'@SUM(A1)"`, `"'\t=1"`, '"a,""b"""', ''].join('\r\n'),
  );
});
