// The tables of a template, and what an update of a stack from one release's to another's would do. Records those of
// a release:
//
//   node tests/last-release/tables.mjs >tests/last-release/tables.json

import { read } from '../deployer/template.mjs';

/** The tables of the template as CloudFormation compares them: keys, types of attributes, indexes. */
export function tables(template = read('template.yaml')) {
  const found = Object.entries(template.Resources).filter(([, { Type }]) => Type === 'AWS::DynamoDB::Table');
  return Object.fromEntries(found.map(([name, { Properties }]) => [name, {
    key: schema(Properties.KeySchema),
    types: Object.fromEntries(Properties.AttributeDefinitions.map(({ AttributeName, AttributeType }) => [AttributeName, AttributeType])),
    timeToLive: Properties.TimeToLiveSpecification?.AttributeName ?? null,
    indexes: Object.fromEntries((Properties.GlobalSecondaryIndexes ?? []).map(({ IndexName, KeySchema, Projection }) => [IndexName, {
      key: schema(KeySchema),
      projection: Projection.ProjectionType,
      attributes: [...(Projection.NonKeyAttributes ?? [])].sort(),
    }])),
  }]));
}

const schema = (keys) => keys.map(({ AttributeName, KeyType }) => `${AttributeName} ${KeyType}`);
const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/** What CloudFormation would replace, refuse or delete if a stack with tables of before got those of after. */
export function problems(before, after) {
  return Object.entries(before).flatMap(([name, was]) => {
    const is = after[name];
    if (is === undefined) {
      return [`${name} is gone: the stack would forget the table`];
    }
    const found = [];
    if (!same(was.key, is.key)) {
      found.push(`${name} has another key: an empty table would replace it`);
    }
    for (const [attribute, type] of Object.entries(was.types)) {
      if (is.types[attribute] !== undefined && is.types[attribute] !== type) {
        found.push(`${name}.${attribute} has another type: an empty table would replace ${name}`);
      }
    }
    if (was.timeToLive !== is.timeToLive && was.timeToLive !== null) {
      found.push(`${name} expires items by another attribute: an update cannot change both at once`);
    }
    const names = new Set([...Object.keys(was.indexes), ...Object.keys(is.indexes)]);
    const changed = [...names].filter((index) => was.indexes[index] === undefined || is.indexes[index] === undefined);
    if (changed.length > 1) {
      found.push(`${name} gets or loses ${changed.sort().join(', ')}: an update makes or deletes one index`);
    }
    for (const [index, { key, projection, attributes }] of Object.entries(was.indexes)) {
      const now = is.indexes[index];
      if (now !== undefined && !same([key, projection, attributes], [now.key, now.projection, now.attributes])) {
        found.push(`${name}.${index} is another index: give it another name, in the release before the code that reads it`);
      }
    }
    return found;
  });
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  process.stdout.write(`${JSON.stringify(tables(), null, 2)}\n`);
}
