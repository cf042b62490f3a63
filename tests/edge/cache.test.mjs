// Checks which parts of a request are in the edge's cache key: for a CRL, only its path.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const edge = readFileSync(new URL('../../infra/edge.yaml', import.meta.url), 'utf8');
const main = readFileSync(new URL('../../template.yaml', import.meta.url), 'utf8');

// The block of lines below the one that is `text`, or the first that contains it, delimited by
// indentation.
function below(template, text) {
  const lines = template.split('\n');
  // One path may begin like another.
  const whole = lines.findIndex((line) => line.trim() === text);
  const start = whole === -1 ? lines.findIndex((line) => line.includes(text)) : whole;
  assert.notEqual(start, -1, text);
  const indent = (line) => line.search(/\S/);
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => line.trim() && indent(line) <= indent(lines[start]));
  return rest.slice(0, end).join('\n');
}

test('a query does not get a CRL past the cache', () => {
  const behavior = below(edge, '- PathPattern: /crl/*');
  const [, policy] = behavior.match(/CachePolicyId: !Ref (\w+)/);
  assert.match(below(edge, `  ${policy}:`), /QueryStringBehavior: none/);
  // An origin request policy could forward the query as well.
  assert.doesNotMatch(behavior, /OriginRequestPolicyId/);
});

test('a query of SCEP is part of what is cached, and SCEP is served by plain HTTP', () => {
  for (const path of ['/api/v1/protocols/scep/*', '/cgi-bin/*', '/certsrv/*']) {
    const behavior = below(edge, `- PathPattern: ${path}`);
    const [, policy] = behavior.match(/CachePolicyId: !Ref (\w+)/);
    assert.match(below(edge, `  ${policy}:`), /QueryStringBehavior: all/);
    assert.match(behavior, /ViewerProtocolPolicy: allow-all/);
  }
});

test('an MDM reaches its URLs by HTTPS alone, and no challenge is cached', () => {
  const order = [...edge.matchAll(/- PathPattern: (.*)/g)].map(([, path]) => path);
  const base = '/api/v1/protocols/scep';
  for (const [path, after] of [[`${base}/*/mscep_admin`, `${base}/*`], [`${base}/*/jamf`, `${base}/*`], ['/certsrv/mscep_admin', '/certsrv/*']]) {
    const behavior = below(edge, `- PathPattern: ${path}`);
    assert.match(behavior, /ViewerProtocolPolicy: https-only/);
    assert.match(behavior, /Managed-CachingDisabled/);
    // Below the name of a profile the pattern matches paths of SCEP, too.
    assert.equal(behavior.includes('FunctionARN: !GetAtt Router.FunctionARN'), path.startsWith(base), path);
    assert.ok(order.indexOf(path) < order.indexOf(after), path);
    // An RA Profile may have such a name.
    assert.ok(order.indexOf(`${base}/raProfile/*`) < order.indexOf(path), path);
  }
});

test('the edge proves to the API that it names the client', () => {
  assert.match(below(edge, 'OriginCustomHeaders:'), /HeaderName: scepter-edge\n +HeaderValue: !Sub '\{\{resolve:secretsmanager:/);
});

test('the paths that devices let nobody choose have routes where a profile is set', () => {
  for (const [route, key] of [['CgiBinRoute', '/cgi-bin/'], ['NdesRoute', '/certsrv/']]) {
    const text = below(main, `  ${route}:`);
    assert.ok(text.includes('Condition: HasDefaultScepProfile') && text.includes(`'ANY ${key}{path+}'`), text);
  }
});

test('the route of CRLs takes HEAD, and has a throttle of its own', () => {
  const [, key] = below(main, '  CrlRoute:').match(/RouteKey: '([^']+)'/);
  assert.equal(key, 'ANY /crl/{path+}');
  const settings = below(main, ' RouteSettings:');
  assert.match(settings.split(`'${key}':`)[1], /^\n +ThrottlingRateLimit: !Ref CrlThrottleRate\n/);
});
