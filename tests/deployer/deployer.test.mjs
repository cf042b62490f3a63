// Checks what infra/deployer.yaml allows and denies, by running the template's policies in an IAM
// simulator.
//
//     node --test tests/deployer/        once tests/interop/install.sh has installed the simulator
//     DEPLOYER=/tmp/other.yaml node --test tests/deployer/

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import test from 'node:test';
import { allows } from './simulator.mjs';
import { ACCOUNT, REGION, TOOLS, deploy, parse, read } from './template.mjs';

const file = process.env.DEPLOYER;
const STACK = 'scepter';
// The name used in docs/deploy.md, which begins with the name of the deployed stack.
const DEPLOYER = 'scepter-deployer';
const limits = deploy(file ? parse(readFileSync(resolve(file), 'utf8')) : read('infra/deployer.yaml'), DEPLOYER, { DomainName: 'scep.example', HostedZoneId: 'Z0123456789', StackName: STACK });
const stack = deploy(read('template.yaml'), STACK, {
  AlarmEmail: 'pki@example.com', CertificateArn: 'arn', DomainName: 'scep.example', Edge: 'true', EdgeWebAclArn: 'arn', HostedZoneId: 'Z0123456789', IntuneFederatedCredential: 'true', PermissionsBoundaryArn: limits.Boundary.arn,
});
const nested = {
  edge: deploy(read('infra/edge.yaml'), `${STACK}-EdgeStack-1A2B3C4D5E6F`, { Name: STACK }),
  watch: deploy(read('infra/watch.yaml'), `${STACK}-WatchStack-1A2B3C4D5E6F`, {
    AlarmTopicArn: stack.AlarmTopic.arn, ApiLogs: stack.ApiLogs.ref, Name: STACK,
  }),
};

/**
 * Every policy of a role: inline ones, attached ones, and those that list the role themselves.
 */
function policiesOf(resources, logical) {
  const { ref, properties } = resources[logical];
  const policies = Object.fromEntries((properties.Policies ?? []).map(({ PolicyName, PolicyDocument }) => [PolicyName, PolicyDocument]));
  for (const [name, other] of Object.entries(resources)) {
    if (other.properties.Roles?.includes(ref) || properties.ManagedPolicyArns?.includes(other.arn)) {
      policies[name] = other.properties.PolicyDocument;
    }
  }
  return policies;
}

const arn = (service, resource, region = REGION) => `arn:aws:${service}:${region}:${ACCOUNT}:${resource}`;
const EXECUTION_ROLE = limits.ExecutionRole.arn;
const BOUNDARY = limits.Boundary.arn;
const ARTIFACTS = limits.Artifacts?.arn ?? 'arn:aws:s3:::there-is-none';
const EVERYTHING = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] };
const function_ = (logical) => stack[logical].arn;
const session = (logical) => arn('sts', `assumed-role/${stack[logical].ref}/${stack[logical.replace('Role', '')].ref}`, '');

const deployer = { arn: arn('iam', 'user/deployer', ''), policies: { DeployerPolicy: limits.DeployerPolicy.properties.PolicyDocument } };
const cloudformation = { arn: arn('sts', `assumed-role/${limits.ExecutionRole.ref}/AWSCloudFormation`, ''), policies: policiesOf(limits, 'ExecutionRole') };
// The most that a deployer can make of a function's role: it allows everything within the boundary.
const widened = { arn: session('ProfilesRole'), boundary: limits.Boundary.properties.PolicyDocument, policies: { everything: EVERYTHING } };
const asTemplateSays = (logical) => ({ arn: session(logical), boundary: widened.boundary, policies: policiesOf(stack, logical) });

/**
 * Tests steps of [name, ...requests], where a request is [action, resource, context]. All requests
 * of a step must have the expected result.
 */
function rows(name, who, expected, steps) {
  for (const [step, ...requests] of steps) {
    test(`${name}: ${step}`, async () => {
      for (const [action, resource, context] of requests) {
        assert.equal(await allows(who, action, resource, context), expected, `${action} on ${resource}`);
      }
    });
  }
}

const OWN_STACK = arn('cloudformation', `stack/${STACK}/0f0e0d0c`);
const LIMITS_STACK = arn('cloudformation', `stack/${DEPLOYER}/0f0e0d0c`);
const FOREIGN_STACK = arn('cloudformation', 'stack/payroll/0f0e0d0c');
const WITH_ROLE = { 'cloudformation:RoleArn': EXECUTION_ROLE };
const SAM = `arn:aws:cloudformation:${REGION}:aws:transform/Serverless-2016-10-31`;
const ROLE = stack.ProfilesRole.arn;
const FOREIGN_ROLE = arn('iam', 'role/payroll', '');
const KEY = arn('kms', 'key/0d990263-018e-4e65-a703-eff731de951e');
const POOL = stack.UserPool.arn;
const GATEWAY = (path) => `arn:aws:apigateway:${REGION}::/${path}`;
const ZONE = 'arn:aws:route53:::hostedzone/Z0123456789';
const record = (name, type) => ({ 'route53:ChangeResourceRecordSetsNormalizedRecordNames': [name], 'route53:ChangeResourceRecordSetsRecordTypes': [type] });
const WITHIN = { 'iam:PermissionsBoundary': BOUNDARY };
const TRACING = stack.Tracing.arn;
const OF_STACK = { 'aws:ResourceTag/scepter:stack': STACK };
const SYMMETRIC = { 'aws:ResourceTag/scepter:symmetric': STACK };
const OF_ASSERTIONS = { 'aws:ResourceTag/scepter:assertions': STACK };

// ---- Privilege escalation

rows('a deployer is denied', deployer, false, [
  ['the stack of their own limits', ...['CreateStack', 'UpdateStack', 'CreateChangeSet', 'ContinueUpdateRollback', 'RollbackStack'].map((action) => [`cloudformation:${action}`, LIMITS_STACK, WITH_ROLE])],
  ['its deletion and its change sets', ...['DeleteStack', 'ExecuteChangeSet', 'DeleteChangeSet', 'SetStackPolicy', 'DescribeStacks'].map((action) => [`cloudformation:${action}`, LIMITS_STACK])],
  ['other stacks', ...['CreateStack', 'UpdateStack', 'CreateChangeSet'].map((action) => [`cloudformation:${action}`, FOREIGN_STACK, WITH_ROLE])],
  ['stacks whose names begin alike', ...['CreateStack', 'UpdateStack', 'CreateChangeSet'].map((action) => [`cloudformation:${action}`, arn('cloudformation', `stack/${STACK}-mine/0f0e0d0c`), WITH_ROLE])],
  ['nested stacks by themselves', ...['EdgeStack', 'WatchStack'].flatMap((name) => ['CreateStack', 'UpdateStack'].map((action) => [`cloudformation:${action}`, stack[name].arn, WITH_ROLE]))],
  ['to deploy with rights of their own', ...['CreateStack', 'UpdateStack', 'CreateChangeSet'].map((action) => [`cloudformation:${action}`, OWN_STACK])],
  ['to deploy with another role', ...['CreateStack', 'UpdateStack', 'CreateChangeSet', 'DeleteStack', 'ContinueUpdateRollback', 'RollbackStack'].map((action) => [`cloudformation:${action}`, OWN_STACK, { 'cloudformation:RoleArn': arn('iam', 'role/Admin', '') }])],
  ['to hand over another role', ['iam:PassRole', arn('iam', 'role/Admin', ''), { 'iam:PassedToService': 'cloudformation.amazonaws.com' }], ['iam:PassRole', ROLE, { 'iam:PassedToService': 'lambda.amazonaws.com' }]],
  ['to hand ExecutionRole to another service', ...['lambda', 'ec2', 'codebuild'].map((service) => ['iam:PassRole', EXECUTION_ROLE, { 'iam:PassedToService': `${service}.amazonaws.com` }])],
  ['to be ExecutionRole', ['sts:AssumeRole', EXECUTION_ROLE]],
  ['to import what is not of the stack', ['cloudformation:CreateChangeSet', OWN_STACK, { ...WITH_ROLE, 'cloudformation:ImportResourceTypes': ['AWS::KMS::Key'] }]],
  ['to unprotect the stack', ['cloudformation:SetStackPolicy', OWN_STACK], ['cloudformation:UpdateTerminationProtection', OWN_STACK]],
  ['stack sets, types and macros', ['cloudformation:CreateStackSet', '*'], ['cloudformation:CreateStackInstances', arn('cloudformation', `stackset/${STACK}:1`)], ['cloudformation:RegisterType', '*'], ['cloudformation:ActivateType', '*'], ['cloudformation:CreateChangeSet', `arn:aws:cloudformation:${REGION}:aws:transform/Include`]],
  ['IAM', ['iam:CreateUser', arn('iam', 'user/mallory', '')], ['iam:CreatePolicyVersion', limits.DeployerPolicy.arn], ['iam:CreatePolicyVersion', BOUNDARY], ['iam:AttachUserPolicy', deployer.arn, { 'iam:PolicyARN': 'arn:aws:iam::aws:policy/AdministratorAccess' }], ['iam:UpdateAssumeRolePolicy', EXECUTION_ROLE], ['iam:PutRolePolicy', EXECUTION_ROLE], ['iam:CreateRole', ROLE, WITHIN]],
  ["other stacks' artifacts", ['s3:PutObject', 'arn:aws:s3:::aws-sam-cli-managed-default-samclisourcebucket-1a2b/payroll'], ['s3:GetObject', 'arn:aws:s3:::aws-sam-cli-managed-default-samclisourcebucket-1a2b/payroll']],
  ['to empty or open the bucket of artifacts', ['s3:DeleteObjectVersion', `${ARTIFACTS}/x`], ['s3:PutBucketPolicy', ARTIFACTS], ['s3:DeleteBucket', ARTIFACTS], ['s3:PutBucketVersioning', ARTIFACTS]],
  ['what functions and CloudFormation may', ['lambda:UpdateFunctionCode', function_('Profiles')], ['lambda:InvokeFunction', function_('Profiles')], ['kms:Sign', KEY, OF_STACK], ['dynamodb:GetItem', stack.ProfilesTable.arn]],
]);

// A second policy allows everything, so these rows show that the denials hold on their own.
rows('an administrator who is a deployer too is denied', { ...deployer, policies: { ...deployer.policies, everything: EVERYTHING } }, false, [
  ['the limits', ...['CreatePolicyVersion', 'SetDefaultPolicyVersion', 'DeletePolicy'].flatMap((action) => [BOUNDARY, limits.DeployerPolicy.arn].map((policy) => [`iam:${action}`, policy]))],
  ['the role', ...['UpdateAssumeRolePolicy', 'PutRolePolicy', 'AttachRolePolicy', 'DeleteRole'].map((action) => [`iam:${action}`, EXECUTION_ROLE])],
  ['their stack', ['cloudformation:UpdateStack', LIMITS_STACK], ['cloudformation:DeleteStack', LIMITS_STACK], ['cloudformation:ExecuteChangeSet', LIMITS_STACK]],
]);

rows('a template is denied', cloudformation, false, [
  ['the limits', ...['CreatePolicyVersion', 'SetDefaultPolicyVersion', 'DeletePolicyVersion', 'DeletePolicy', 'TagPolicy'].flatMap((action) => Object.values(limits).filter((one) => one.type === 'AWS::IAM::ManagedPolicy').map((policy) => [`iam:${action}`, policy.arn]))],
  ['its own role', ...['PutRolePolicy', 'AttachRolePolicy', 'DetachRolePolicy', 'DeleteRolePolicy', 'UpdateAssumeRolePolicy', 'PutRolePermissionsBoundary', 'DeleteRole', 'TagRole'].map((action) => [`iam:${action}`, EXECUTION_ROLE, ['PutRolePolicy', 'AttachRolePolicy', 'PutRolePermissionsBoundary'].includes(action) ? WITHIN : {}])],
  ['the stack of the limits', ...['UpdateStack', 'DeleteStack', 'CreateChangeSet'].map((action) => [`cloudformation:${action}`, LIMITS_STACK])],
  ['stacks that are not nested in it', ['cloudformation:CreateStack', FOREIGN_STACK], ['cloudformation:CreateStack', arn('cloudformation', `stack/${STACK}-mine/0f0e0d0c`)], ['cloudformation:CreateStackSet', '*']],
  ['roles without the boundary', ['iam:CreateRole', ROLE], ['iam:PutRolePolicy', ROLE], ['iam:AttachRolePolicy', ROLE, { 'iam:PolicyARN': TRACING }]],
  ['roles within another boundary', ...['CreateRole', 'PutRolePolicy', 'PutRolePermissionsBoundary'].map((action) => [`iam:${action}`, ROLE, { 'iam:PermissionsBoundary': 'arn:aws:iam::aws:policy/AdministratorAccess' }]), ['iam:PutRolePermissionsBoundary', ROLE, { 'iam:PermissionsBoundary': TRACING }]],
  ['to take the boundary from a role', ['iam:DeleteRolePermissionsBoundary', ROLE, WITHIN]],
  ['policies of others for its roles', ['iam:AttachRolePolicy', ROLE, { ...WITHIN, 'iam:PolicyARN': 'arn:aws:iam::aws:policy/AdministratorAccess' }]],
  ['to let others be its roles later', ['iam:UpdateAssumeRolePolicy', ROLE]],
  ['other roles, users and policies', ['iam:CreateRole', FOREIGN_ROLE, WITHIN], ['iam:PutRolePolicy', FOREIGN_ROLE, WITHIN], ['iam:CreateRole', arn('iam', `role/${STACK}-mine`, ''), WITHIN], ['iam:CreatePolicy', arn('iam', `policy/${STACK}-mine`, '')], ['iam:CreateUser', arn('iam', `user/${STACK}`, '')], ['iam:AttachUserPolicy', deployer.arn], ['iam:CreateAccessKey', deployer.arn]],
  ['to pass roles on', ['iam:PassRole', FOREIGN_ROLE, { 'iam:PassedToService': 'lambda.amazonaws.com' }], ['iam:PassRole', ROLE, { 'iam:PassedToService': 'ec2.amazonaws.com' }], ['iam:PassRole', EXECUTION_ROLE, { 'iam:PassedToService': 'lambda.amazonaws.com' }]],
  ['to be another role', ['sts:AssumeRole', FOREIGN_ROLE], ['sts:AssumeRole', EXECUTION_ROLE]],
  ['functions of others, and code that runs at once', ['lambda:UpdateFunctionCode', arn('lambda', 'function:payroll')], ['lambda:InvokeFunction', arn('lambda', 'function:payroll')], ['lambda:InvokeFunction', function_('Profiles')], ['lambda:CreateFunctionUrlConfig', function_('Profiles')], ['lambda:AddPermission', arn('lambda', 'function:payroll'), { 'lambda:Principal': 'apigateway.amazonaws.com' }]],
  ['callers of functions but the API and the schedule', ...['*', '999988887777', 'arn:aws:iam::999988887777:root', 's3.amazonaws.com'].map((principal) => ['lambda:AddPermission', function_('Profiles'), { 'lambda:Principal': principal }])],
  ['a schedule for other targets', ['events:PutTargets', arn('events', `rule/${STACK}-ProfilesEverySixHours-1A2B`), { 'events:TargetArn': [arn('lambda', 'function:payroll')] }], ['events:PutTargets', arn('events', 'rule/payroll'), { 'events:TargetArn': [function_('Maintenance')] }], ['events:PutTargets', stack.NoticesEveryFiveMinutes.arn, { 'events:TargetArn': [arn('lambda', 'function:payroll')] }]],
  ['topics of others, and functions that changes of keys would call', ['sns:SetTopicAttributes', arn('sns', 'payroll')], ['sns:Subscribe', arn('sns', `${STACK}-mine`)], ['sns:Publish', stack.AlarmTopic.arn], ['events:PutTargets', arn('events', `rule/${STACK}-key-changes`), { 'events:TargetArn': [function_('Maintenance')] }], ['events:PutTargets', arn('events', `rule/${STACK}-key-changes`), { 'events:TargetArn': [stack.AlarmTopic.arn, arn('lambda', 'function:payroll')] }]],
  ['tables of others, and the contents of its own', ['dynamodb:UpdateTable', arn('dynamodb', 'table/payroll')], ['dynamodb:DeleteTable', arn('dynamodb', `table/${STACK}-other-ProfilesTable-1A2B`)], ['dynamodb:GetItem', stack.ProfilesTable.arn], ['dynamodb:PutResourcePolicy', stack.ProfilesTable.arn], ['dynamodb:ExportTableToPointInTime', stack.ProfilesTable.arn]],
  ["others' domain names", ...['PUT', 'PATCH', 'DELETE', 'AddCertificateToDomain'].map((action) => [`apigateway:${action}`, GATEWAY('domainnames/payroll.example')]), ['apigateway:POST', GATEWAY('domainnames/payroll.example/apimappings')]],
  ["records of other names and kinds, and others' zones", ...[['payroll.example', 'A'], ['example', 'A'], ['scep.example', 'TXT']].map(([name, type]) => ['route53:ChangeResourceRecordSets', ZONE, record(name, type)]), ['route53:ChangeResourceRecordSets', 'arn:aws:route53:::hostedzone/Z9876543210', record('scep.example', 'A')], ['route53:DeleteHostedZone', ZONE]],
  ['CA keys', ...['PutKeyPolicy', 'CreateGrant', 'ScheduleKeyDeletion', 'DisableKey', 'UpdateKeyDescription', 'UntagResource', 'CreateAlias', 'Sign', 'DescribeKey'].map((action) => [`kms:${action}`, KEY, OF_STACK])],
  ['CA keys that it marks as its own', ['kms:PutKeyPolicy', KEY, { ...OF_STACK, ...SYMMETRIC }], ['kms:TagResource', KEY, { ...OF_STACK, 'aws:RequestTag/scepter:symmetric': STACK }]],
  ["others' keys", ...['PutKeyPolicy', 'DisableKeyRotation', 'UpdateKeyDescription', 'UntagResource', 'UpdateAlias', 'ScheduleKeyDeletion', 'CreateGrant', 'Decrypt', 'Sign', 'ReplicateKey'].map((action) => [`kms:${action}`, KEY])],
  ['the symmetric key of another Scepter stack', ['kms:PutKeyPolicy', KEY, { 'aws:ResourceTag/scepter:symmetric': 'other' }]],
  ['the contents of its symmetric key', ['kms:Decrypt', KEY, SYMMETRIC], ['kms:ScheduleKeyDeletion', KEY, SYMMETRIC], ['kms:CreateGrant', KEY, SYMMETRIC]],
  ['the use of its key of assertions', ...['Sign', 'ScheduleKeyDeletion', 'DisableKey', 'CreateGrant'].map((action) => [`kms:${action}`, KEY, OF_ASSERTIONS]), ['kms:PutKeyPolicy', KEY, { 'aws:ResourceTag/scepter:assertions': 'other' }]],
  ['CA keys that it marks as keys of assertions', ['kms:PutKeyPolicy', KEY, { ...OF_STACK, ...OF_ASSERTIONS }], ['kms:TagResource', KEY, { ...OF_STACK, 'aws:RequestTag/scepter:assertions': STACK }]],
  ['keys and aliases of another name', ['kms:CreateKey', '*'], ['kms:CreateKey', '*', { 'aws:RequestTag/scepter:stack': STACK }], ['kms:CreateAlias', arn('kms', 'alias/payroll')], ['kms:UpdateAlias', arn('kms', `alias/scepter/${STACK}/corp-root`)]],
  ["clients in other applications' user pools", ...['CreateUserPoolClient', 'DescribeUserPoolClient', 'UpdateUserPoolClient', 'CreateResourceServer', 'CreateUserPoolDomain'].map((action) => [`cognito-idp:${action}`, POOL])],
  ['users of its own pool', ['cognito-idp:AdminCreateUser', POOL, OF_STACK], ['cognito-idp:AdminAddUserToGroup', POOL, OF_STACK], ['cognito-idp:AdminSetUserPassword', POOL, OF_STACK]],
  ['other APIs of API Gateway', ['apigateway:POST', GATEWAY('restapis')], ['apigateway:PATCH', GATEWAY('restapis/a1b2c3')], ['apigateway:DELETE', GATEWAY('restapis/a1b2c3')], ['apigateway:PATCH', GATEWAY('domainnames/example.com')], ['apigateway:PATCH', GATEWAY('account')], ['apigateway:POST', GATEWAY('apikeys')]],
  ['functions of other edges', ['cloudfront:UpdateFunction', arn('cloudfront', 'function/payroll', '')], ['cloudfront:DeleteFunction', arn('cloudfront', `function/${STACK}-mine`, '')]],
  ['alarms, dashboards and logs of others', ['cloudwatch:DeleteAlarms', arn('cloudwatch', `alarm:${STACK} disk full`)], ['cloudwatch:PutDashboard', arn('cloudwatch', 'dashboard/payroll', '')], ['logs:DeleteLogGroup', arn('logs', 'log-group:/aws/lambda/payroll')], ['logs:PutSubscriptionFilter', arn('logs', `log-group:/scepter/${STACK}/api`)], ['logs:GetLogEvents', arn('logs', `log-group:/scepter/${STACK}/api:log-stream:x`)]],
  ['artifacts of others', ['s3:GetObject', 'arn:aws:s3:::aws-sam-cli-managed-default-samclisourcebucket-1a2b/payroll'], ['s3:PutObject', `${ARTIFACTS}/x`]],
  ['secrets that a template could quote', ['secretsmanager:GetSecretValue', arn('secretsmanager', 'secret:payroll-1a2b3c')], ['ssm:GetParameter', arn('ssm', 'parameter/payroll')]],
]);

const BY_FUNCTION = { 'lambda:SourceFunctionArn': function_('Profiles') };

rows('a function that was given everything is denied', widened, false, [
  ['IAM and other roles', ['iam:CreateUser', arn('iam', 'user/mallory', ''), BY_FUNCTION], ['iam:CreatePolicyVersion', BOUNDARY, BY_FUNCTION], ['sts:AssumeRole', FOREIGN_ROLE, BY_FUNCTION], ['iam:PassRole', ROLE, { ...BY_FUNCTION, 'iam:PassedToService': 'lambda.amazonaws.com' }]],
  ['deploying', ['cloudformation:UpdateStack', OWN_STACK, BY_FUNCTION], ['lambda:UpdateFunctionCode', function_('Profiles'), BY_FUNCTION], ['lambda:InvokeFunction', function_('PkiOperation'), BY_FUNCTION]],
  ['tables of others', ['dynamodb:GetItem', arn('dynamodb', 'table/payroll'), BY_FUNCTION], ['dynamodb:GetItem', arn('dynamodb', `table/${STACK}-other-ProfilesTable-1A2B`), BY_FUNCTION], ['dynamodb:DeleteTable', stack.ProfilesTable.arn, BY_FUNCTION]],
  ['keys without a tag', ...['Decrypt', 'Encrypt', 'CreateGrant'].map((action) => [`kms:${action}`, KEY, BY_FUNCTION])],
  // A key with neither could be tagged as one of the stack.
  ['keys without a tag and with an alias', ...['Sign', 'GetPublicKey', 'Decrypt', 'Encrypt', 'CreateAlias', 'ListResourceTags'].map((action) => [`kms:${action}`, KEY, { ...BY_FUNCTION, 'kms:ResourceAliases': ['alias/payroll'] }])],
  ['keys of other stacks', ['kms:Sign', KEY, { ...BY_FUNCTION, 'aws:ResourceTag/scepter:stack': 'other' }], ['kms:Decrypt', KEY, { ...BY_FUNCTION, 'aws:ResourceTag/scepter:symmetric': 'other' }], ['kms:Sign', KEY, { ...BY_FUNCTION, 'aws:ResourceTag/scepter:assertions': 'other' }]],
  ['to decrypt with keys that are tagged as CA keys', ['kms:Decrypt', KEY, { ...BY_FUNCTION, ...OF_STACK }]],
  ['to make keys without the tag', ['kms:CreateKey', '*', BY_FUNCTION], ['kms:CreateKey', '*', { ...BY_FUNCTION, 'aws:RequestTag/scepter:stack': 'other' }]],
  ['to mark keys of others as its own', ...[{ 'aws:ResourceTag/scepter:stack': 'other' }, { 'aws:ResourceTag/scepter:symmetric': 'other' }, SYMMETRIC, OF_ASSERTIONS, { 'kms:ResourceAliases': ['alias/payroll'] }].map((whose) => ['kms:TagResource', KEY, { ...BY_FUNCTION, ...whose, 'aws:RequestTag/scepter:stack': STACK }]), ['kms:TagResource', KEY, { ...BY_FUNCTION, 'aws:RequestTag/scepter:symmetric': STACK }]],
  ['to mark keys of others as keys of assertions', ['kms:TagResource', KEY, { ...BY_FUNCTION, 'aws:RequestTag/scepter:assertions': STACK }], ['kms:CreateKey', '*', { ...BY_FUNCTION, 'aws:RequestTag/scepter:assertions': STACK }]],
  ['to change its keys', ...['PutKeyPolicy', 'ScheduleKeyDeletion', 'DisableKey', 'CreateGrant', 'UntagResource'].map((action) => [`kms:${action}`, KEY, { ...BY_FUNCTION, ...OF_STACK }])],
]);

rows('a function that was given everything is allowed', widened, true, [
  ['new CA keys, whose tags KMS does not know yet', ...['Sign', 'GetPublicKey', 'CreateAlias', 'ListResourceTags'].map((action) => [`kms:${action}`, KEY, BY_FUNCTION])],
]);

// Templates write trust policies, so a role that is assumed outside the stack's functions must have
// no permissions.
rows('a role that is assumed outside of the functions is denied', widened, false, [
  ['tables and keys', ['dynamodb:GetItem', stack.ProfilesTable.arn], ['kms:Sign', KEY, OF_STACK], ['kms:Decrypt', KEY, SYMMETRIC], ['kms:CreateKey', '*', { 'aws:RequestTag/scepter:stack': STACK }]],
  ['tables and keys, from another function', ['dynamodb:GetItem', stack.ProfilesTable.arn, { 'lambda:SourceFunctionArn': arn('lambda', 'function:payroll') }], ['kms:Sign', KEY, { ...OF_STACK, 'lambda:SourceFunctionArn': `arn:aws:lambda:${REGION}:999988887777:function:${STACK}-Profiles-1A2B` }]],
]);

/** Opens what the symmetric key encrypted for owners. */
const sealedFor = (...owners) => [
  'kms:Decrypt', stack.SymmetricKey.arn,
  { ...BY_FUNCTION, ...SYMMETRIC, ...(owners.length > 0 && { 'kms:EncryptionContextKeys': owners.map((owner) => `scepter:${owner}`) }) },
];

for (const role of ['ProfilesRole', 'MaintenanceRole']) {
  rows(`${role} is denied`, asTemplateSays(role), false, [
    ['challengePasswords', sealedFor('scepProfile')],
    ['RA keys', sealedFor('raCertificate')],
    ['what is bound to more, or to nothing', sealedFor('serviceCredentials', 'scepProfile'), sealedFor()],
  ]);
  rows(`${role} is allowed`, asTemplateSays(role), true, [
    ['to open credentials at other services', sealedFor('serviceCredentials')],
  ]);
}
rows('PkiOperationRole is allowed', asTemplateSays('PkiOperationRole'), true, [
  ['to open what the answer to a request needs', ...['challengeKey', 'raCertificate', 'scepProfile', 'serviceCredentials'].map((owner) => sealedFor(owner))],
]);
rows('MaintenanceRole is denied', asTemplateSays('MaintenanceRole'), false, [['keys of one-time challenges', sealedFor('challengeKey')]]);

// ---- Permissions that a deployment needs

rows('a deployer is allowed', deployer, true, [
  ['sam deploy', ['cloudformation:DescribeStacks', OWN_STACK], ['cloudformation:CreateChangeSet', OWN_STACK, WITH_ROLE], ['cloudformation:CreateChangeSet', SAM], ['cloudformation:DescribeChangeSet', OWN_STACK], ['cloudformation:ExecuteChangeSet', OWN_STACK], ['cloudformation:DescribeStackEvents', OWN_STACK], ['cloudformation:GetTemplateSummary', OWN_STACK], ['cloudformation:DeleteChangeSet', OWN_STACK], ['iam:PassRole', EXECUTION_ROLE, { 'iam:PassedToService': 'cloudformation.amazonaws.com' }]],
  ['aws cloudformation create-stack and update-stack', ['cloudformation:CreateStack', OWN_STACK, WITH_ROLE], ['cloudformation:UpdateStack', OWN_STACK, WITH_ROLE], ['cloudformation:ValidateTemplate', '*']],
  ['artifacts', ['s3:PutObject', `${ARTIFACTS}/scepter/1a2b`], ['s3:GetObject', `${ARTIFACTS}/scepter/1a2b`], ['s3:DeleteObject', `${ARTIFACTS}/scepter/1a2b`], ['s3:ListBucket', ARTIFACTS], ['s3:GetBucketLocation', ARTIFACTS]],
  ['what a failed update needs', ['cloudformation:ContinueUpdateRollback', OWN_STACK], ['cloudformation:RollbackStack', OWN_STACK, WITH_ROLE], ['cloudformation:CancelUpdateStack', OWN_STACK]],
  ['to see nested stacks', ...['EdgeStack', 'WatchStack'].flatMap((name) => ['DescribeStackEvents', 'DescribeStackResources', 'GetTemplate'].map((action) => [`cloudformation:${action}`, stack[name].arn]))],
  ['sam delete', ['cloudformation:DeleteStack', OWN_STACK], ['cloudformation:GetTemplate', OWN_STACK], ['cloudformation:ListStackResources', OWN_STACK]],
]);

/** Permissions that CloudFormation's schemas list, but that the templates' resources never need. */
const NOT_NEEDED = [
  [/^ec2:|^elasticfilesystem:|^s3files:|^lambda:(GetLayerVersion|PassCapacityProvider|AssociateRuntimeAlias)$/, 'functions without a network, file systems, layers, capacity of their own'],
  [/^lambda:(GetCodeSigningConfig|(Put|Delete)FunctionCodeSigningConfig|Put(RuntimeManagement|FunctionRecursion|FunctionScaling)Config)$/, 'functions keep the defaults'],
  [/^dynamodb:(DescribeImport|ImportTable|.*Replica|(Enable|Disable|Update)KinesisStreamingDestination|UpdateContributorInsights)$|^kinesis:/, 'tables without imports, replicas, streams, insights'],
  [/^dynamodb:(Scan|Query|.*Item|PutResourcePolicy|DeleteResourcePolicy)$/, 'replicas and resource policies: a deployer does not read the contents'],
  [/^kms:(CreateGrant|RevokeGrant|Decrypt|Encrypt|GenerateDataKey.*|ReEncrypt.*)$/, 'nothing is encrypted by a key of the customer'],
  [/^kms:(DisableKey|ScheduleKeyDeletion)$/, 'the key is retained and enabled'],
  [/^logs:((Put|Delete)(DataProtection|Index)Policy|PutBearerTokenAuthentication|(Dis)?[Aa]ssociateKmsKey|DeleteResourcePolicy)$|^firehose:|^s3:REST/, 'log groups keep the defaults'],
  [/^iam:(Attach|Detach)(Group|User)Policy$|^iam:CreateServiceLinkedRole$/, 'policies are for roles'],
  [/^iam:(UpdateAssumeRolePolicy|DeleteRolePermissionsBoundary)$/, 'limits, which a template does not change'],
  [/^cognito-idp:AddCustomAttributes$/, 'the pool has no attributes of its own'],
  [/^cloudformation:(UpdateTerminationProtection|SetStackPolicy)$/, 'protection is not a template\'s to take away'],
  [/^cloudfront:(updateDistribution|.*ConnectionGroup|GetVpcOrigin|.*StagingConfig|CreateDistributionWithTags)$/, 'a distribution of the usual kind, without tags'],
  [/^apigateway:(TagResource|UntagResource)$/, 'no actions: tags are set by POST and PUT'],
  [/^s3:GetObjectMetadata$/, 'no action'],
];
// Permissions that are not needed for some types only.
const NOT_NEEDED_OF = {
  'AWS::ApiGatewayV2::Authorizer': /^iam:PassRole$/,
  'AWS::ApiGatewayV2::Integration': /^iam:PassRole$/,
  'AWS::Cognito::UserPool': /^iam:PassRole$|^kms:/,
  'AWS::Cognito::UserPoolClient': /^iam:/,
  'AWS::Cognito::UserPoolDomain': /^kms:/,
  'AWS::Cognito::UserPoolGroup': /^iam:/,
  'AWS::DynamoDB::Table': /^(kms|logs|s3):/,
  'AWS::Events::Rule': /^iam:PassRole$/,
  'AWS::IAM::ManagedPolicy': /^iam:(Attach|Detach)RolePolicy$/,
  'AWS::Lambda::Function': /^kms:/,
  'AWS::SecretsManager::Secret': /^kms:/,
  'AWS::SNS::Topic': /^iam:|^sns:PutDataProtectionPolicy$/,
};

/** CloudFormation's schemas, as distributed with cfn-lint. */
function schemas() {
  const [python] = readdirSync(`${TOOLS}sam/lib`).filter((name) => name.startsWith('python'));
  const folder = `${TOOLS}sam/lib/${python}/site-packages/cfnlint/data/schemas/resources/`;
  const read = readdirSync(folder).map((name) => JSON.parse(readFileSync(folder + name, 'utf8')));
  return new Map(read.map((schema) => [schema.typeName, schema]));
}

const SCHEMAS = schemas();

/** The resources of a template after SAM's transformation, which leaves a function without events. */
function expanded(resources) {
  const type = (resource) => (resource.type === 'AWS::Serverless::Function' ? 'AWS::Lambda::Function' : resource.type);
  return Object.fromEntries(Object.entries(resources).map(([logical, resource]) => [logical, { ...resource, type: type(resource) }]));
}

const tagsOf = ({ Tags, UserPoolTags }, kind) =>
  Object.fromEntries((Array.isArray(Tags) ? Tags.map(({ Key, Value }) => [Key, Value]) : Object.entries(UserPoolTags ?? Tags ?? {})).map(([key, value]) => [`aws:${kind}/${key}`, value]));

/**
 * The requests that a permission covers when a resource is created, changed or deleted: [action,
 * resource, context].
 */
function requests(permission, { type, arn: own, properties }, resources) {
  const [service, action] = permission.split(':');
  const of = (logical) => Object.values(resources).find((other) => other.ref === logical);
  switch (service) {
    case 'apigateway': {
      if (type.endsWith('DomainName') || type.endsWith('ApiMapping')) {
        const domain = `domainnames/${properties.DomainName.replace('ApiDomainName-id', 'scep.example')}`;
        const part = type.endsWith('DomainName') ? (action === 'POST' ? 'domainnames' : domain) : `${domain}/apimappings${action === 'POST' ? '' : '/x1y2'}`;
        return [[permission, GATEWAY(part), {}]];
      }
      return [[permission, `arn:aws:apigateway:${REGION}::/apis${type.endsWith('Api') && action === 'POST' ? '' : `/a1b2c3d4${type.endsWith('Api') ? '' : type.endsWith('Stage') ? (action === 'POST' ? '/stages' : '/stages/$default') : `/${type.split('::')[2].toLowerCase()}s${action === 'POST' ? '' : '/x1y2'}`}`}`, {}]];
    }
    case 'cloudformation':
      return [[permission, own, {}]];
    case 'cloudfront':
      return [[permission, /^Create(CachePolicy|Distribution|Function)$/.test(action) ? '*' : own, {}]];
    case 'cloudwatch':
      return [[permission, action === 'DescribeAlarms' ? '*' : own, {}]];
    case 'cognito-idp':
      if (type === 'AWS::Cognito::UserPool') {
        return action === 'CreateUserPool' ? [[permission, '*', tagsOf(properties, 'RequestTag')]] : [[permission, own, tagsOf(properties, 'ResourceTag')]];
      }
      return action === 'DescribeUserPoolDomain' ? [[permission, '*', {}]] : [[permission, of(properties.UserPoolId).arn, tagsOf(of(properties.UserPoolId).properties, 'ResourceTag')]];
    case 'events':
      return [[permission, own, action === 'PutTargets' ? { 'events:TargetArn': properties.Targets.map(({ Arn }) => Arn) } : {}]];
    case 'iam': {
      if (action === 'PassRole') {
        const [passed, to] = type === 'AWS::CloudFormation::Stack' ? [EXECUTION_ROLE, 'cloudformation'] : [properties.Role, 'lambda'];
        return [[permission, passed, { 'iam:PassedToService': `${to}.amazonaws.com` }]];
      }
      const within = ['CreateRole', 'PutRolePolicy', 'AttachRolePolicy', 'PutRolePermissionsBoundary'].includes(action) ? { 'iam:PermissionsBoundary': properties.PermissionsBoundary } : {};
      return (action === 'AttachRolePolicy' ? properties.ManagedPolicyArns : [undefined]).map((policy) => [permission, own, policy ? { ...within, 'iam:PolicyARN': policy } : within]);
    }
    case 'kms': {
      const key = type === 'AWS::KMS::Alias' ? of(properties.TargetKeyId) : { arn: own, properties };
      if (action === 'CreateKey' || action === 'ListAliases') {
        return [[permission, '*', action === 'CreateKey' ? tagsOf(key.properties, 'RequestTag') : {}]];
      }
      // KMS may see the tags of a key minutes after the key, which is too late for its creation.
      const creating = ['CreateAlias', 'EnableKeyRotation', 'TagResource', 'DescribeKey', 'GetKeyPolicy', 'GetKeyRotationStatus', 'ListResourceTags'].includes(action);
      const tags = { ...(creating ? {} : tagsOf(key.properties, 'ResourceTag')), ...(action === 'TagResource' ? tagsOf(key.properties, 'RequestTag') : {}) };
      return [[permission, key.arn, tags], ...(type === 'AWS::KMS::Alias' ? [[permission, own, {}]] : [])];
    }
    case 'lambda':
      if (type === 'AWS::Lambda::Permission') {
        return [[permission, of(properties.FunctionName).arn, action === 'AddPermission' ? { 'lambda:Principal': properties.Principal } : {}]];
      }
      return [[permission, own, {}]];
    case 'sns':
      return [[permission, type === 'AWS::SNS::TopicPolicy' ? properties.Topics[0] : own, {}]];
    case 'route53':
      return [[permission, action === 'ListHostedZones' ? '*' : action === 'GetChange' ? 'arn:aws:route53:::change/C1' : ZONE, action === 'ChangeResourceRecordSets' ? record('scep.example', properties.Type) : {}]];
    case 'logs':
      if (type === 'AWS::Logs::MetricFilter') {
        return [[permission, stack.ApiLogs.arn, {}]];
      }
      return [[permission, /LogDelivery|ResourcePolic|DescribeLogGroups|DescribeIndexPolicies/.test(action) ? '*' : own, {}]];
    case 's3':
      return [[`s3:${action[0].toUpperCase()}${action.slice(1)}`, `${ARTIFACTS}/scepter/1a2b`, {}]];
    case 'secretsmanager':
      return [[permission, action === 'GetRandomPassword' ? '*' : own, {}]];
    default:
      return [[permission, own, {}]];
  }
}

for (const [name, resources] of Object.entries({ template: expanded(stack), ...nested })) {
  test(`every permission that CloudFormation's schemas list for ${name} is given, or not needed`, async () => {
    const missing = [];
    let asked = 0;
    for (const [logical, resource] of Object.entries(resources)) {
      const { handlers = {}, tagging } = SCHEMAS.get(resource.type);
      const listed = [...['create', 'read', 'update', 'delete'].flatMap((handler) => handlers[handler]?.permissions ?? []), ...(tagging?.permissions ?? [])];
      for (const permission of new Set(listed)) {
        if (NOT_NEEDED.some(([pattern]) => pattern.test(permission)) || NOT_NEEDED_OF[resource.type]?.test(permission)) {
          continue;
        }
        for (const request of requests(permission, resource, resources)) {
          asked += 1;
          if (!(await allows(cloudformation, ...request))) {
            missing.push(`${logical}: ${request[0]} on ${request[1]} ${JSON.stringify(request[2])}`);
          }
        }
      }
    }
    assert.deepEqual(missing, []);
    assert.ok(asked > 10);
  });
}

test('what is listed as not needed is not given', async () => {
  const given = [];
  const all = Object.values({ ...expanded(stack), ...nested.edge, ...nested.watch });
  for (const resource of all) {
    const { handlers = {} } = SCHEMAS.get(resource.type);
    const listed = ['create', 'read', 'update', 'delete'].flatMap((handler) => handlers[handler]?.permissions ?? []);
    given.push(...listed.filter((permission) => NOT_NEEDED.some(([pattern]) => pattern.test(permission))));
  }
  const policies = Object.values(cloudformation.policies).flatMap(({ Statement }) => Statement).filter(({ Effect }) => Effect === 'Allow');
  const allowed = new Set(policies.flatMap(({ Action }) => Action));
  assert.deepEqual([...new Set(given)].filter((permission) => allowed.has(permission)), []);
  for (const [pattern, reason] of NOT_NEEDED) {
    assert.ok(given.some((permission) => pattern.test(permission)), `listed for nothing: ${reason}`);
  }
});

/**
 * The permissions that the template gives to each function must all lie within the boundary.
 */
for (const role of ['GetCaCapsRole', 'GetCaCertRole', 'PkiOperationRole', 'ProfilesRole', 'MaintenanceRole', 'ConsoleRole']) {
  test(`the boundary leaves ${role} everything that the template gives it`, async () => {
    const from = { 'lambda:SourceFunctionArn': function_(role.replace('Role', '')) };
    const lost = [];
    let asked = 0;
    for (const statement of Object.values(policiesOf(stack, role)).flatMap(({ Statement }) => Statement).filter(({ Effect }) => Effect === 'Allow')) {
      for (const action of [statement.Action].flat()) {
        for (const named of [statement.Resource].flat()) {
          const condition = statement.Condition ?? {};
          const context = { ...from, ...condition.StringEquals, ...condition['ForAllValues:StringEquals'] };
          // The template names these keys by their ARNs, the boundary by their tags.
          if (['kms:Encrypt', 'kms:Decrypt', 'kms:GenerateDataKeyPairWithoutPlaintext'].includes(action)) {
            Object.assign(context, tagsOf(stack.SymmetricKey.properties, 'ResourceTag'));
          }
          if (statement.Sid === 'SignAssertionsForEntra') {
            Object.assign(context, tagsOf(stack.AssertionKey.properties, 'ResourceTag'));
          }
          for (const [key, value] of Object.entries(context)) {
            context[key] = Array.isArray(value) && key === 'kms:SigningAlgorithm' ? value[0] : value;
          }
          const resource = named
            .replace(/key\/\*$/, 'key/0d990263-018e-4e65-a703-eff731de951e')
            .replace(/index\/\*$/, 'index/byKind')
            .replace(/(log-group:[^*]*):\*$/, '$1:log-stream:2026/11/27')
            .replace(/(alias\/.*)\*$/, '$1corp-root');
          const asIs = action === 'kms:TagResource' ? KEY : resource;
          asked += 1;
          if (!(await allows(asTemplateSays(role), action, asIs, context))) {
            lost.push(`${action} on ${asIs} ${JSON.stringify(context)}`);
          }
        }
      }
    }
    assert.deepEqual(lost, []);
    assert.ok(asked >= 4);
  });
}

test('no role may send traces that the stack does not make', () => {
  const given = (Traces) => {
    const resources = Object.entries(deploy(read('template.yaml'), STACK, { Traces }));
    return resources.filter(([, { properties }]) => properties.ManagedPolicyArns?.length > 0 || JSON.stringify(properties).includes('xray:')).map(([logical]) => logical);
  };
  assert.deepEqual(given('false'), []);
  assert.deepEqual(given('true'), ['Tracing', 'GetCaCapsRole', 'GetCaCertRole', 'PkiOperationRole', 'ProfilesRole', 'ConsoleRole', 'MaintenanceRole']);
});

// A name with a wildcard would be every name.
test('the names in policies have the form that the template gives them', () => {
  const patterns = ({ Parameters }) => [Parameters.DomainName.AllowedPattern, Parameters.HostedZoneId.AllowedPattern];
  const [name, zone] = patterns(read('infra/deployer.yaml'));
  assert.deepEqual([name, zone], patterns(read('template.yaml')));
  assert.doesNotMatch('*', new RegExp(name));
  assert.doesNotMatch('*', new RegExp(zone));
});

test('policies fit into what IAM allows, with the longest names', () => {
  const longest = deploy(file ? parse(readFileSync(resolve(file), 'utf8')) : read('infra/deployer.yaml'), 'a-name-for-the-stack-of-the-deployer', { StackName: 'a'.repeat(29) });
  for (const [name, { type, properties }] of Object.entries(longest)) {
    if (type === 'AWS::IAM::ManagedPolicy') {
      // Names of regions have up to 14 characters, and the partition may be aws-us-gov.
      const text = JSON.stringify(properties.PolicyDocument).replaceAll(REGION, 'ap-southeast-99').replaceAll('arn:aws:', 'arn:aws-us-gov:');
      assert.ok(text.length <= 6144, `${name} has ${text.length} characters`);
    }
    const inline = (properties.Policies ?? []).reduce((sum, { PolicyDocument }) => sum + JSON.stringify(PolicyDocument).length, 0);
    assert.ok(inline <= 10240, `${name} has ${inline} characters of policies`);
  }
});
