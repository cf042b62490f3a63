import { expect, test } from 'vitest';

import type { ScepProfileView } from '../../api/schema';
import {
  comparableScepProfile,
  NEW_SCEP_PROFILE,
  scepProfileBodyOf,
  scepProfileDraftOf,
} from './draft';

const VIEW: ScepProfileView = {
  uuid: '6a1f0f9e-2d0f-4c57-9d6b-0f2f6f1f8a11',
  name: 'routers',
  description: '',
  enabled: true,
  challengeSources: ['STATIC', 'WEBHOOK'],
  enableChallengePassword: true,
  enableIntune: false,
  intuneCredential: 'SECRET',
  issueCertificateAttributes: [],
  customAttributes: [{ name: 'asset' }],
  certificateAssociations: { owner: 'network', groups: [], customAttributes: [] },
  warnings: [],
  includeCaCertificate: false,
  includeCaCertificateChain: false,
  requireManualApproval: false,
  allowProxySigner: false,
  caCertificateForm: 'chain',
  legacyAlgorithms: true,
  renewThreshold: 0,
  webhook: { url: 'https://hook.example/', gate: false, notify: ['issued'], timeoutSeconds: 3 },
};

test('an edit that changes nothing keeps secrets, and attributes that the form does not show', () => {
  const body = scepProfileBodyOf(scepProfileDraftOf(VIEW));
  expect(body.challengePassword).toBeUndefined();
  expect(body.webhook).toEqual({
    url: 'https://hook.example/',
    secret: undefined,
    gate: false,
    notify: ['issued'],
    timeoutSeconds: 3,
  });
  expect(body.renewalThreshold).toBeNull();
  expect('customAttributes' in body).toBe(false);
});

test('a password that no longer vouches is removed', () => {
  const draft = { ...scepProfileDraftOf(VIEW), sources: [] };
  expect(scepProfileBodyOf(draft)).toMatchObject({
    challengeSources: [],
    enableChallengePassword: false,
    challengePassword: undefined,
  });
});

test('a webhook goes when it is neither a source nor used otherwise', () => {
  const draft = scepProfileDraftOf(VIEW);
  const without = { ...draft, sources: [], webhook: { ...draft.webhook, isUsed: false } };
  expect(scepProfileBodyOf(without).webhook).toBeNull();
  expect(scepProfileBodyOf({ ...without, sources: ['WEBHOOK'] }).webhook).toBeTruthy();
});

test('settings of Intune are sent only with Intune, and its key only as a secret', () => {
  expect('intuneTenant' in scepProfileBodyOf(NEW_SCEP_PROFILE)).toBe(false);
  const intune = {
    tenant: 'corp.example',
    applicationId: 'id',
    credential: 'FEDERATED' as const,
    applicationKey: { choice: 'replace' as const, value: 'typed before' },
  };
  const body = scepProfileBodyOf({ ...NEW_SCEP_PROFILE, sources: ['INTUNE'], intune });
  expect(body).toMatchObject({ enableIntune: true, intuneCredential: 'FEDERATED' });
  expect(body.intuneApplicationKey).toBeUndefined();
});

test('no secret is shown beside another version', () => {
  const secret = { choice: 'replace' as const, value: 'hunter2' };
  const draft = scepProfileDraftOf(VIEW);
  const typed = { ...draft, challengePassword: secret, webhook: { ...draft.webhook, secret } };
  expect(JSON.stringify(scepProfileBodyOf(typed))).toContain('hunter2');
  expect(JSON.stringify(comparableScepProfile(typed))).not.toContain('hunter2');
});
