import { emptyFault, lengthFault, nameFault, rangeFault, type Faults } from '../forms/faults';
import type { SecretDraft } from '../forms/secret';
import { usesWebhook, type IntuneDraft, type ScepProfileDraft, type WebhookDraft } from './draft';

/** What is wrong with a SCEP Profile as typed. */
export function scepProfileFaults(draft: ScepProfileDraft): Faults {
  return [
    nameFault('name', draft.name),
    lengthFault('description', draft.description, 300),
    emptyFault('caCertificateUuid', draft.caCertificateUuid, 'Choose an RA certificate.'),
    ...challengeFaults(draft),
    rangeFault('renewalThreshold', draft.renewalThreshold, [0, 36_500]),
  ];
}

/** What is wrong with the challenge sources of a SCEP Profile as typed. */
export function challengeFaults(draft: ScepProfileDraft): Faults {
  return [
    draft.sources.includes('STATIC')
      ? secretFault('challengePassword', draft.challengePassword, 'Enter the challenge password.')
      : undefined,
    ...(draft.sources.includes('INTUNE') ? intuneFaults(draft.intune) : []),
    ...(usesWebhook(draft) ? webhookFaults(draft.webhook) : []),
  ];
}

function intuneFaults(intune: IntuneDraft): Faults {
  return [
    emptyFault('intuneTenant', intune.tenant, 'Enter the Entra tenant.'),
    emptyFault('intuneApplicationId', intune.applicationId, 'Enter the id of the application.'),
    intune.credential === 'SECRET'
      ? secretFault('intuneApplicationKey', intune.applicationKey, 'Enter the client secret.')
      : undefined,
  ];
}

function webhookFaults(webhook: WebhookDraft): Faults {
  return [
    emptyFault('webhook.url', webhook.url, 'Enter the URL of the service.'),
    secretFault('webhook.secret', webhook.secret, 'Enter a secret, or generate one.'),
    rangeFault('webhook.timeoutSeconds', webhook.timeoutSeconds, [1, 10]),
  ];
}

function secretFault(path: string, secret: SecretDraft, sentence: string): string | undefined {
  return secret.choice === 'replace' ? emptyFault(path, secret.value, sentence) : undefined;
}
