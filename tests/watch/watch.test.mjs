// Checks what the templates watch: what alarms count, and who may publish to their topic.
//
//     node --test tests/watch/        once tests/interop/install.sh has installed the parser of YAML

import assert from 'node:assert/strict';
import test from 'node:test';
import { read } from '../deployer/template.mjs';

const stack = read('template.yaml').Resources;
const watch = read('infra/watch.yaml').Resources;

/** What a pattern of CloudWatch Logs matches: `*` stands for any text. */
const matches = (pattern, text) =>
  new RegExp(`^${pattern.split('*').map((part) => part.replace(/[^\w\s]/g, '\\$&')).join('.*')}$`).test(text);

test('a 403 is counted as denied on the routes that ask for a token, and not on those of devices', () => {
  const pattern = watch.AccessDenials.Properties.FilterPattern;
  const left = [...pattern.matchAll(/\$\.routeKey != "([^"]+)"/g)].map(([, part]) => part);
  assert.equal(left.length, 3, pattern);
  const routes = Object.values(stack)
    .filter(({ Type, Properties }) => Type === 'AWS::ApiGatewayV2::Route' && Properties.RouteKey !== '$default')
    .map(({ Properties }) => Properties);
  assert.ok(routes.length > 30, `${routes.length}`);
  for (const { RouteKey, AuthorizationType } of routes) {
    const [, path] = RouteKey.split(' ');
    const isCounted = !left.some((part) => matches(part, RouteKey));
    const isOfDevices = ['/api/v1/protocols/scep/', '/internal/scep/', '/cgi-bin/', '/certsrv/'].some((start) => path.startsWith(start));
    assert.equal(isCounted, !isOfDevices, RouteKey);
    // An MDM's 401 is counted on every route, and its path is one of devices.
    assert.ok(AuthorizationType !== 'JWT' || isCounted || /(mscep_admin|jamf)$/.test(path), RouteKey);
  }
});

test('throttles are counted of every table, and of the indexes that an enrolment changes', () => {
  const metrics = watch.TableThrottles.Properties.Metrics.flatMap(({ MetricStat }) => MetricStat?.Metric ?? []);
  const watched = metrics.map(({ MetricName, Dimensions }) => `${MetricName} ${Dimensions.map(({ Value }) => Value.Ref ?? Value).join(' ')}`);
  const tables = ['ProfilesTable', 'TransactionsTable', 'CertificatesTable'];
  const indexes = ['TransactionsTable byState', 'CertificatesTable byExpiry', 'CertificatesTable byCommonName'];
  assert.deepEqual(watched.sort(), [
    ...tables.flatMap((table) => [`ReadThrottleEvents ${table}`, `WriteThrottleEvents ${table}`]),
    ...indexes.map((index) => `WriteThrottleEvents ${index}`),
  ].sort());
  for (const [table, index] of indexes.map((name) => name.split(' '))) {
    assert.ok(stack[table].Properties.GlobalSecondaryIndexes.some(({ IndexName }) => IndexName === index), index);
  }
  // An alarm computes from at most ten metrics.
  assert.ok(metrics.length < 10);
});

test('EventBridge may publish to the topic of alarms without a condition, which it could not fulfil', () => {
  const statements = stack.AlarmTopicPolicy.Properties.PolicyDocument.Statement;
  const [rules, ...others] = statements.filter(({ Principal }) => Principal.Service === 'events.amazonaws.com');
  assert.deepEqual([rules.Effect, rules.Action, rules.Condition, others], ['Allow', 'sns:Publish', undefined, []]);
});
