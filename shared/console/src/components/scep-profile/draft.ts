import type {
  Associations,
  CaCertificateForm,
  ChallengeSourceKind,
  IntuneCredential,
  NotificationKind,
  ScepProfileRequest,
  ScepProfileView,
  WebhookRequest,
} from '../../api/schema';
import { numberOf } from '../forms/numbers';
import { secretValue, untouchedSecret, type SecretDraft } from '../forms/secret';

/** A SCEP Profile as it is typed. */
export interface ScepProfileDraft {
  name: string;
  description: string;
  caCertificateUuid: string;
  /** Empty: none. */
  raProfileUuid: string;
  sources: ChallengeSourceKind[];
  challengePassword: SecretDraft;
  intune: IntuneDraft;
  webhook: WebhookDraft;
  requireManualApproval: boolean;
  /** Days; empty: half of the lifetime. */
  renewalThreshold: string;
  allowProxySigner: boolean;
  caCertificateForm: CaCertificateForm;
  legacyAlgorithms: boolean;
  includeCaCertificate: boolean;
  includeCaCertificateChain: boolean;
  associations: Associations;
}

export interface IntuneDraft {
  tenant: string;
  applicationId: string;
  credential: IntuneCredential;
  applicationKey: SecretDraft;
}

export interface WebhookDraft {
  /** Whether the profile has a webhook, be it asked or only told. */
  isUsed: boolean;
  url: string;
  secret: SecretDraft;
  gate: boolean;
  notify: NotificationKind[];
  /** Seconds; empty: the default. */
  timeoutSeconds: string;
}

export const NEW_SCEP_PROFILE: ScepProfileDraft = {
  name: '',
  description: '',
  caCertificateUuid: '',
  raProfileUuid: '',
  sources: ['ONE_TIME'],
  challengePassword: untouchedSecret(false),
  intune: {
    tenant: '',
    applicationId: '',
    credential: 'SECRET',
    applicationKey: untouchedSecret(false),
  },
  webhook: {
    isUsed: false,
    url: '',
    secret: untouchedSecret(false),
    gate: false,
    notify: [],
    timeoutSeconds: '',
  },
  requireManualApproval: false,
  renewalThreshold: '',
  allowProxySigner: false,
  caCertificateForm: 'chain',
  legacyAlgorithms: true,
  includeCaCertificate: false,
  includeCaCertificateChain: false,
  associations: { owner: null, groups: [], customAttributes: [] },
};

/** Whether the server has the profile's secrets. */
export function storedSecrets(view: ScepProfileView | undefined) {
  return {
    challengePassword: view?.enableChallengePassword ?? false,
    intuneApplicationKey: view?.enableIntune === true && view.intuneCredential === 'SECRET',
    webhookSecret: view?.webhook != null,
  };
}

export function scepProfileDraftOf(view: ScepProfileView): ScepProfileDraft {
  const stored = storedSecrets(view);
  return {
    name: view.name,
    description: view.description,
    caCertificateUuid: view.caCertificate?.uuid ?? '',
    raProfileUuid: view.raProfile?.uuid ?? '',
    sources: view.challengeSources,
    challengePassword: untouchedSecret(stored.challengePassword),
    intune: {
      tenant: view.intuneTenant ?? '',
      applicationId: view.intuneApplicationId ?? '',
      credential: view.intuneCredential,
      applicationKey: untouchedSecret(stored.intuneApplicationKey),
    },
    webhook: {
      isUsed: stored.webhookSecret,
      url: view.webhook?.url ?? '',
      secret: untouchedSecret(stored.webhookSecret),
      gate: view.webhook?.gate ?? false,
      notify: view.webhook?.notify ?? [],
      timeoutSeconds: view.webhook ? String(view.webhook.timeoutSeconds) : '',
    },
    requireManualApproval: view.requireManualApproval,
    renewalThreshold: view.renewThreshold ? String(view.renewThreshold) : '',
    allowProxySigner: view.allowProxySigner,
    caCertificateForm: view.caCertificateForm,
    legacyAlgorithms: view.legacyAlgorithms,
    includeCaCertificate: view.includeCaCertificate,
    includeCaCertificateChain: view.includeCaCertificateChain,
    associations: view.certificateAssociations,
  };
}

/** The request that creates or edits a profile as typed. Attributes that the form does not show are
 *  left as they are. */
export function scepProfileBodyOf(draft: ScepProfileDraft): ScepProfileRequest {
  const has = (source: ChallengeSourceKind) => draft.sources.includes(source);
  return {
    name: draft.name,
    description: draft.description,
    caCertificateUuid: draft.caCertificateUuid || undefined,
    raProfileUuid: draft.raProfileUuid || null,
    challengeSources: draft.sources,
    // A password that no longer vouches is not kept.
    enableChallengePassword: has('STATIC'),
    challengePassword: has('STATIC') ? secretValue(draft.challengePassword) : undefined,
    enableIntune: has('INTUNE'),
    ...(has('INTUNE') ? intuneBodyOf(draft.intune) : {}),
    webhook: usesWebhook(draft) ? webhookBodyOf(draft.webhook) : null,
    requireManualApproval: draft.requireManualApproval,
    renewalThreshold: numberOf(draft.renewalThreshold),
    allowProxySigner: draft.allowProxySigner,
    caCertificateForm: draft.caCertificateForm,
    legacyAlgorithms: draft.legacyAlgorithms,
    includeCaCertificate: draft.includeCaCertificate,
    includeCaCertificateChain: draft.includeCaCertificateChain,
    certificateAssociations: draft.associations,
  };
}

/** The request without secrets, to be shown beside another version. */
export function comparableScepProfile(draft: ScepProfileDraft): ScepProfileRequest {
  const none: SecretDraft = { choice: 'keep', value: '' };
  return scepProfileBodyOf({
    ...draft,
    challengePassword: none,
    intune: { ...draft.intune, applicationKey: none },
    webhook: { ...draft.webhook, secret: none },
  });
}

/** Whether the profile is to have a webhook: one that is asked, or one that is only told. */
export function usesWebhook({ sources, webhook }: ScepProfileDraft): boolean {
  return webhook.isUsed || sources.includes('WEBHOOK');
}

function intuneBodyOf(intune: IntuneDraft): ScepProfileRequest {
  return {
    intuneTenant: intune.tenant,
    intuneApplicationId: intune.applicationId,
    intuneCredential: intune.credential,
    intuneApplicationKey:
      intune.credential === 'SECRET' ? secretValue(intune.applicationKey) : undefined,
  };
}

function webhookBodyOf(webhook: WebhookDraft): WebhookRequest {
  return {
    url: webhook.url || undefined,
    secret: secretValue(webhook.secret) ?? undefined,
    gate: webhook.gate,
    notify: webhook.notify,
    timeoutSeconds: numberOf(webhook.timeoutSeconds),
  };
}
