// Runs the CloudFront Function of infra/edge.yaml on Node: node --test tests/edge/
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import vm from 'node:vm';

const template = readFileSync(new URL('../../infra/edge.yaml', import.meta.url), 'utf8');
const [, block] = template.match(/FunctionCode: \|\n((?: {8}.*\n|\n)+)/);
const code = block.replace(/^ {8}/gm, '');

// CloudFront's limit is 10 KB.
assert.ok(code.length < 10_240);

function route(method, uri, query = {}) {
  const querystring = Object.fromEntries(
    Object.entries(query).map(([name, value]) =>
      Array.isArray(value)
        ? [name, { value: value[0], multiValue: value.map((value) => ({ value })) }]
        : [name, { value }],
    ),
  );
  const context = vm.createContext({});
  vm.runInContext(code, context);
  context.event = { version: '1.0', request: { method, uri, querystring, headers: {}, cookies: {} } };
  return vm.runInContext('handler(event)', context);
}

const PATH = '/api/v1/protocols/scep/default/pkiclient.exe';

for (const operation of ['GetCACaps', 'GetCACert', 'GetNextCACert', 'PKIOperation']) {
  test(`GET ${operation} goes to its route`, () => {
    const request = route('GET', PATH, { operation, message: 'a+b' });
    assert.equal(request.uri, `/internal/scep/${operation}/default/pkiclient.exe`);
    assert.equal(request.querystring.message.value, 'a+b');
  });
}

test('an endpoint by RA Profile, and one without a tail, keep their form', () => {
  const prefix = '/api/v1/protocols/scep/';
  for (const endpoint of ['raProfile/routers/pkiclient.exe', 'default', 'default/']) {
    const request = route('GET', prefix + endpoint, { operation: 'GetCACaps' });
    assert.equal(request.uri, `/internal/scep/GetCACaps/${endpoint}`);
  }
});

test('a POST passes as it is, with or without an operation', () => {
  for (const query of [{}, { operation: 'PKIOperation' }]) {
    assert.equal(route('POST', PATH, query).uri, PATH);
  }
});

const SCEP = '/api/v1/protocols/scep/';

test('a page of challenges is reached by its own route, whatever the query asks', () => {
  for (const page of ['default/mscep_admin', 'a.b_c~d-1/certsrv/mscep_admin', 'raProfiles/mscep_admin']) {
    for (const query of [{}, { operation: 'PKIOperation', message: 'a' }]) {
      for (const method of ['GET', 'HEAD']) {
        assert.equal(route(method, SCEP + page, query).uri, SCEP + page);
      }
    }
  }
  assert.equal(route('POST', `${SCEP}default/jamf`).uri, `${SCEP}default/jamf`);
});

test('a path that only ends like one of challenges is one of SCEP', () => {
  const paths = ['default/x/mscep_admin', 'default/x/certsrv/mscep_admin', 'default//mscep_admin', 'default%2Fx/mscep_admin',
    'raProfile/mscep_admin', 'raProfile/certsrv/mscep_admin', 'raProfile/a/mscep_admin', '/mscep_admin', 'default/mscep_admin/', 'default/mscep_admin\n',
    'default/x/jamf', 'default/jamf'];
  for (const path of paths) {
    assert.equal(route('GET', SCEP + path, { operation: 'PKIOperation', message: 'a' }).uri, `/internal/scep/PKIOperation/${path}`);
    assert.equal(route('GET', SCEP + path).statusCode, 400, path);
    assert.equal(route('PUT', SCEP + path).statusCode, 405, path);
  }
});

test('an operation is known in any case and encoding', () => {
  for (const [query, operation] of [
    [{ operation: 'getcacaps' }, 'GetCACaps'],
    [{ Operation: 'GETCACERT' }, 'GetCACert'],
    [{ operation: 'Get%43ACaps' }, 'GetCACaps'],
    [{ operation: '%2550KIOperation', message: 'a' }, 'PKIOperation'],
    [{ '%6fPERATION': 'GetCACaps%20' }, 'GetCACaps'],
    [{ operation: '+GetCACaps+' }, 'GetCACaps'],
    [{ operation: 'GetNextCACert%0d%0a', message: '' }, 'GetNextCACert'],
  ]) {
    const request = route('GET', PATH, query);
    assert.equal(request.uri, `/internal/scep/${operation}/default/pkiclient.exe`, JSON.stringify(query));
    assert.deepEqual(Object.keys(request.querystring), Object.keys(query));
  }
});

test('what follows the name of an endpoint passes as it is', () => {
  const tails = ['/pkiclient.exe/pkiclient.exe', '//pkiclient.exe', '/certsrv/mscep/mscep.dll/pkiclient.exe', '/PKICLIENT.EXE/'];
  for (const tail of tails) {
    const uri = `/api/v1/protocols/scep/default${tail}`;
    assert.equal(route('GET', uri, { operation: 'GetCACaps' }).uri, `/internal/scep/GetCACaps/default${tail}`);
    assert.equal(route('POST', uri).uri, uri);
  }
});

test('a GET or HEAD that names no operation, two, or another is refused and not cached', () => {
  const names = [undefined, '', 'GetCRL', 'constructor', '__proto__', 'GetCACaps/..', 'Get CACaps', '%', '%ff', ['GetCACaps', 'GetCACert']];
  for (const operation of names) {
    for (const method of ['GET', 'HEAD']) {
      const answer = route(method, PATH, operation === undefined ? {} : { operation });
      assert.equal(answer.statusCode, 400, String(operation));
      assert.equal(answer.headers['cache-control'].value, 'no-store');
    }
  }
  assert.equal(route('GET', PATH, { operation: 'GetCACaps', Operation: 'GetCACert' }).statusCode, 400);
});

test('probes by HEAD and OPTIONS are answered', () => {
  assert.equal(route('HEAD', PATH, { operation: 'GetCACaps' }).uri, '/internal/scep/GetCACaps/default/pkiclient.exe');
  const answer = route('OPTIONS', PATH);
  assert.equal(answer.statusCode, 204);
  assert.equal(answer.headers.allow.value, 'GET, HEAD, OPTIONS, POST');
});

test('other methods and other paths are refused', () => {
  for (const method of ['PUT', 'DELETE', 'PATCH']) {
    const answer = route(method, PATH, { operation: 'GetCACaps' });
    assert.equal(answer.statusCode, 405);
    assert.equal(answer.headers.allow.value, 'GET, HEAD, OPTIONS, POST');
  }
  assert.equal(route('GET', '/api/v1/authorities').statusCode, 404);
});
