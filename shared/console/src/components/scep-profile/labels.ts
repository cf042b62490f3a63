/** What the fields of a SCEP Profile are called, by their JSON paths. */
const LABELS = {
  name: 'Name',
  description: 'Description',
  caCertificateUuid: 'RA certificate',
  raProfileUuid: 'Default RA Profile',
  challengeSources: 'Challenge sources',
  challengePassword: 'Challenge password',
  intuneTenant: 'Tenant',
  intuneApplicationId: 'Application id',
  intuneCredential: 'Credential',
  intuneApplicationKey: 'Client secret',
  'webhook.url': 'Webhook URL',
  'webhook.secret': 'Webhook secret',
  'webhook.gate': 'Ask about every enrolment',
  'webhook.notify': 'Notifications',
  'webhook.timeoutSeconds': 'Timeout',
  requireManualApproval: 'Every enrolment waits for an administrator',
  renewalThreshold: 'Renewal threshold',
  allowProxySigner: 'Allow proxy signer',
  caCertificateForm: 'Response to GetCACert',
  legacyAlgorithms: 'Accept SHA-1 and triple DES',
  includeCaCertificate: 'Responses contain the issuer’s certificate',
  includeCaCertificateChain: 'Responses contain the whole chain',
  'certificateAssociations.owner': 'Owner',
  'certificateAssociations.groups': 'Groups',
};

/** The label of each field of the form, by its JSON path. */
export const SCEP_PROFILE_LABELS: Record<string, string> & typeof LABELS = LABELS;

/** The path and the label of a field. */
export function scepField(path: keyof typeof LABELS) {
  return { path, label: LABELS[path] };
}

/** The JSON paths of the fields of the form. */
export const SCEP_PROFILE_PATHS = Object.keys(LABELS);
