// A stack of the last release must keep its tables when it is updated to this version.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

import { problems, tables } from './tables.mjs';

const released = () => JSON.parse(readFileSync(new URL('tables.json', import.meta.url), 'utf8'));

test('an update from the last release keeps every table, and changes one index of it at most', () => {
  assert.deepEqual(problems(released(), tables()), []);
});

for (const [what, edit, expected] of [
  ['a table that is gone', (after) => delete after.ProfilesTable, /ProfilesTable is gone/],
  ['another key', (after) => (after.ProfilesTable.key = ['name HASH']), /an empty table would replace it/],
  ['another type', (after) => (after.CertificatesTable.types.notAfter = 'S'), /an empty table would replace CertificatesTable/],
  ['an index of other attributes', (after) => after.CertificatesTable.indexes.byRevocation.attributes.push('more'), /byRevocation is another index/],
  ['two more indexes', (after) => Object.assign(after.ProfilesTable.indexes, { byOne: {}, byTwo: {} }), /byOne, byTwo/],
  ['one index for another', (after) => { after.ProfilesTable.indexes.byOne = {}; delete after.ProfilesTable.indexes.byKind; }, /byKind, byOne/],
]) {
  test(`an update is refused that has ${what}`, () => {
    const after = structuredClone(tables());
    edit(after);
    const found = problems(tables(), after);
    assert.equal(found.length, 1, found.join('\n'));
    assert.match(found[0], expected);
  });
}

test('one index more is no problem', () => {
  const after = structuredClone(tables());
  after.ProfilesTable.indexes.byOne = {};
  assert.deepEqual(problems(tables(), after), []);
});
