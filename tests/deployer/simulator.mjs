// Asks a simulator of IAM what policies allow. It knows each action's resource types and condition
// keys, as AWS lists them.

import { ACCOUNT, installed } from './template.mjs';

const { runSimulation, runUnsafeSimulation } = installed('@cloud-copilot/iam-simulate');

/**
 * Does IAM allow this? A principal has policies and perhaps a boundary: {arn, policies: {name:
 * document}, boundary: document}.
 */
export async function allows(principal, action, resource, context = {}) {
  const named = (policies) => Object.entries(policies).map(([name, policy]) => ({ name, policy }));
  const simulation = {
    request: { principal: principal.arn, action, resource: { resource, accountId: ACCOUNT }, contextVariables: context },
    identityPolicies: named(principal.policies),
    permissionBoundaryPolicies: principal.boundary && [{ name: 'boundary', policy: principal.boundary }],
    resourceControlPolicies: [],
    serviceControlPolicies: [],
    // A key's own policy is the one that KMS and our template give: the account's policies decide.
    resourcePolicy: action.startsWith('kms:') && resource !== '*' ? OF_THE_ACCOUNT : undefined,
  };
  // Transforms stand in CloudFormation's guide, and HTTP APIs in a reference of their own: neither
  // is among the resource types that the simulator knows for these actions, so that it cannot check
  // whether such a request is one.
  if (resource.includes(':aws:transform/') || resource.includes('::/apis')) {
    return runUnsafeSimulation(simulation, {}) === 'Allowed';
  }
  const simulated = await runSimulation(simulation, {});
  if (simulated.resultType === 'error') {
    throw new Error(`${action} on ${resource}: ${JSON.stringify(simulated.errors)}`);
  }
  const ignored = (simulated.result ? [simulated.result] : simulated.results).flatMap((one) => one.ignoredContextKeys ?? []);
  if (ignored.length > 0) {
    throw new Error(`${action} on ${resource}: AWS gives no ${ignored}`);
  }
  return simulated.overallResult === 'Allowed';
}

const OF_THE_ACCOUNT = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` }, Action: 'kms:*', Resource: '*' }],
};
