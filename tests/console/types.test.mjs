// A field that is renamed in Rust is renamed in the OpenAPI document, and must not slip through to
// the browser as `undefined`.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { ROOT } from './support/server.mjs';

const CONSOLE = join(ROOT, 'shared/console');

/** Fields of a response, of a request, and of a list that pages use. */
const RENAMED = ['fingerprintSha256', 'challengePassword', 'nextUpdate'];

test('a field that is renamed in the API breaks the build of the console', () => {
  const folder = mkdtempSync(join(tmpdir(), 'scepter-types-'));
  try {
    cpSync(CONSOLE, folder, { recursive: true, filter: (path) => !/\/(node_modules|dist)$/.test(path) });
    if (existsSync(join(CONSOLE, 'node_modules'))) {
      symlinkSync(join(CONSOLE, 'node_modules'), join(folder, 'node_modules'));
    } else {
      execFileSync('npm', ['ci', '--silent', '--no-audit', '--no-fund'], { cwd: folder });
    }
    const document = join(folder, 'openapi.json');
    const renamed = RENAMED.reduce((text, field) => text.replaceAll(`"${field}"`, `"${field}Renamed"`), readFileSync(document, 'utf8'));
    writeFileSync(document, renamed);
    execFileSync('npm', ['run', '--silent', 'types'], { cwd: folder, stdio: 'pipe' });

    const compiled = spawnSync('npx', ['tsc', '--noEmit'], { cwd: folder, encoding: 'utf8' });
    assert.notEqual(compiled.status, 0, 'it compiles');
    for (const field of RENAMED) {
      assert.match(compiled.stdout, new RegExp(`'${field}'`), `no error names ${field}:\n${compiled.stdout}`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
