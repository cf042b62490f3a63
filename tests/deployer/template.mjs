// Reads CloudFormation templates as CloudFormation does: resolves intrinsic functions and generates
// names.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

export const ROOT = new URL('../../', import.meta.url);
const target = process.env.CARGO_TARGET_DIR ? `${process.env.CARGO_TARGET_DIR}/` : fileURLToPath(new URL('target/', ROOT));

/** The folder into which tests/interop/install.sh installs tools. */
export const TOOLS = `${target}interop/`;
export const installed = createRequire(`${TOOLS}deployer/`);
const { parseDocument, isAlias, isMap, isSeq } = installed('yaml');

export const ACCOUNT = '111122223333';
export const REGION = 'eu-central-1';
const SUFFIX = '1A2B3C4D5E6F';

/** CloudFormation's YAML tags, expanded to their long form: !Sub x is {'Fn::Sub': 'x'}. */
function plain(node, document) {
  if (isAlias(node)) {
    return plain(node.resolve(document), document);
  }
  let value = node?.value ?? null;
  if (isMap(node)) {
    value = Object.fromEntries(node.items.map((pair) => [pair.key.value, plain(pair.value, document)]));
  } else if (isSeq(node)) {
    value = node.items.map((item) => plain(item, document));
  }
  if (!node?.tag?.startsWith('!')) {
    return value;
  }
  const name = node.tag.slice(1);
  return { [name === 'Ref' || name === 'Condition' ? name : `Fn::${name}`]: value };
}

/** Parses a template. */
export function parse(text) {
  const document = parseDocument(text, { logLevel: 'error' });
  if (document.errors.length > 0) {
    throw document.errors[0];
  }
  return plain(document.contents, document);
}

/** Reads a template from a file of this repository. */
export const read = (path) => parse(readFileSync(new URL(path, ROOT), 'utf8'));

/** The ARN of a resource after its creation, and the part of it that Ref returns. */
function made(type, stack, logical, properties) {
  const name = `${stack}-${logical}-${SUFFIX}`;
  const arn = (service, resource, region = REGION) => `arn:aws:${service}:${region}:${ACCOUNT}:${resource}`;
  switch (type) {
    case 'AWS::CloudFormation::Stack':
      return { arn: arn('cloudformation', `stack/${name}/0f0e0d0c`), ref: arn('cloudformation', `stack/${name}/0f0e0d0c`) };
    case 'AWS::CloudFront::Function':
      return { arn: arn('cloudfront', `function/${properties.Name}`, ''), ref: properties.Name };
    case 'AWS::CloudFront::CachePolicy':
      return { arn: arn('cloudfront', 'cache-policy/658327ea', ''), ref: '658327ea' };
    case 'AWS::CloudFront::Distribution':
      return { arn: arn('cloudfront', 'distribution/E123456789ABCD', ''), ref: 'E123456789ABCD' };
    case 'AWS::CloudWatch::Alarm':
      return { arn: arn('cloudwatch', `alarm:${properties.AlarmName}`), ref: properties.AlarmName };
    case 'AWS::CloudWatch::Dashboard':
      return { arn: arn('cloudwatch', `dashboard/${properties.DashboardName}`, ''), ref: properties.DashboardName };
    case 'AWS::Cognito::UserPool':
      return { arn: arn('cognito-idp', `userpool/${REGION}_Ab1Cd2Ef3`), ref: `${REGION}_Ab1Cd2Ef3` };
    case 'AWS::DynamoDB::Table':
      return { arn: arn('dynamodb', `table/${name}`), ref: name };
    case 'AWS::Events::Rule':
      return { arn: arn('events', `rule/${properties.Name ?? name}`), ref: properties.Name ?? name };
    case 'AWS::IAM::ManagedPolicy':
      return { arn: arn('iam', `policy/${name}`, ''), ref: arn('iam', `policy/${name}`, '') };
    case 'AWS::IAM::Role':
      return { arn: arn('iam', `role/${name}`, ''), ref: name };
    case 'AWS::KMS::Alias':
      return { arn: arn('kms', properties.AliasName), ref: properties.AliasName };
    case 'AWS::KMS::Key':
      return { arn: arn('kms', 'key/0d990263-018e-4e65-a703-eff731de951e'), ref: '0d990263-018e-4e65-a703-eff731de951e' };
    case 'AWS::Lambda::Function':
    case 'AWS::Serverless::Function':
      return { arn: arn('lambda', `function:${name}`), ref: name };
    case 'AWS::Logs::LogGroup':
      return { arn: arn('logs', `log-group:${properties.LogGroupName}:*`), ref: properties.LogGroupName };
    case 'AWS::SNS::Topic':
      return { arn: arn('sns', properties.TopicName), ref: arn('sns', properties.TopicName) };
    case 'AWS::SecretsManager::Secret':
      return { arn: arn('secretsmanager', `secret:${properties.Name}-1A2b3C`), ref: arn('secretsmanager', `secret:${properties.Name}-1A2b3C`) };
    case 'AWS::S3::Bucket':
      return { arn: `arn:aws:s3:::${name.toLowerCase()}`, ref: name.toLowerCase() };
    default:
      return { arn: undefined, ref: `${logical}-id` };
  }
}

/**
 * The resources of a deployed template by logical name, with type, ARN, Ref value and resolved
 * properties.
 */
export function deploy(template, stack, parameters = {}) {
  const given = Object.fromEntries(
    Object.entries(template.Parameters ?? {}).map(([name, parameter]) => [name, parameters[name] ?? parameter.Default]),
  );
  const pseudo = {
    'AWS::AccountId': ACCOUNT, 'AWS::NoValue': undefined, 'AWS::Partition': 'aws', 'AWS::Region': REGION,
    'AWS::StackId': `arn:aws:cloudformation:${REGION}:${ACCOUNT}:stack/${stack}/aabbccdd`, 'AWS::StackName': stack,
    'AWS::URLSuffix': 'amazonaws.com',
  };
  const known = { ...pseudo, ...given };
  const physical = (logical) => {
    const { Type, Properties } = template.Resources[logical];
    const names = ['AliasName', 'AlarmName', 'DashboardName', 'LogGroupName', 'Name', 'TopicName'];
    const named = Object.fromEntries(names.filter((name) => Properties?.[name]).map((name) => [name, resolve(Properties[name])]));
    return made(Type, stack, logical, named);
  };
  const reference = (name) => (name in known ? known[name] : physical(name).ref);
  const attribute = (logical, name) => (name === 'Arn' ? physical(logical).arn : `${logical}.${name}`);
  const functions = {
    Ref: (name) => reference(name),
    'Fn::GetAtt': (of) => attribute(...(Array.isArray(of) ? of : of.split(/\.(.*)/s))),
    'Fn::Sub': (of) => {
      const [text, extra] = Array.isArray(of) ? [of[0], resolve(of[1])] : [of, {}];
      return text.replace(/\$\{([^}]+)\}/g, (_, name) => {
        const [logical, attributeName] = name.split(/\.(.*)/s);
        return name in extra ? extra[name] : attributeName ? attribute(logical, attributeName) : reference(name);
      });
    },
    'Fn::If': ([condition, yes, no]) => resolve(resolve(template.Conditions[condition]) ? yes : no),
    'Fn::Equals': ([one, other]) => String(resolve(one)) === String(resolve(other)),
    'Fn::Not': ([of]) => !resolve(of),
    'Fn::Or': (of) => of.some((condition) => resolve(condition)),
    'Fn::And': (of) => of.every((condition) => resolve(condition)),
    'Fn::Select': ([index, of]) => resolve(of)[index],
    'Fn::Join': ([by, of]) => [resolve(of)].flat().join(by),
    'Fn::Split': ([by, of]) => resolve(of).split(by),
    Condition: (name) => resolve(template.Conditions[name]),
  };
  function resolve(value) {
    if (Array.isArray(value)) {
      // AWS::NoValue leaves an item out.
      return value.map(resolve).filter((item) => item !== undefined);
    }
    if (value === null || typeof value !== 'object') {
      return value;
    }
    const [[name, of] = [], ...more] = Object.entries(value);
    // Policies have a Condition too, but its value is not the name of a condition.
    if (more.length === 0 && name in functions && !(name === 'Condition' && typeof of !== 'string')) {
      return functions[name](of);
    }
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, resolve(part)]));
  }
  return Object.fromEntries(
    Object.entries(template.Resources)
      .filter(([, { Condition }]) => Condition === undefined || resolve({ Condition }))
      .map(([logical, { Type, Properties }]) => [logical, { type: Type, ...physical(logical), properties: resolve(Properties ?? {}) }]),
  );
}
