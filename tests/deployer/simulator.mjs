// Evaluates policies with an IAM simulator, which knows the resource types and condition keys of
// each action from AWS's lists.

import { ACCOUNT, installed } from './template.mjs';

const { runSimulation, runUnsafeSimulation } = installed('@cloud-copilot/iam-simulate');

/**
 * Whether IAM allows a request. A principal has policies and optionally a boundary: {arn, policies:
 * {name: document}, boundary: document}.
 */
export async function allows(principal, action, resource, context = {}) {
  const named = (policies) => Object.entries(policies).map(([name, policy]) => ({ name, policy }));
  const simulation = {
    request: { principal: principal.arn, action, resource: { resource, accountId: ACCOUNT }, contextVariables: context },
    identityPolicies: named(principal.policies),
    permissionBoundaryPolicies: principal.boundary && [{ name: 'boundary', policy: principal.boundary }],
    resourceControlPolicies: [],
    serviceControlPolicies: [],
    // The key policies created by KMS and by the template delegate to the account's policies.
    resourcePolicy: action.startsWith('kms:') && resource !== '*' ? OF_THE_ACCOUNT : undefined,
  };
  // The simulator does not know transforms and HTTP APIs as resource types of these actions, since
  // AWS documents them elsewhere. It therefore cannot check that such a request is well-formed.
  if (resource.includes(':aws:transform/') || resource.includes('::/apis') || resource.includes('::/domainnames')) {
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
