/** What reasons about rules begin with, and warnings do not. */
export const RULES_PREFIX = 'certificateTemplate.';

/** What the rules of an RA Profile are called, by their JSON paths. */
const LABELS = {
  validity: 'Validity',
  backdate: 'Backdate',
  rsaMinBits: 'Minimum RSA key size',
  ecCurves: 'EC curves',
  'subject.required': 'Required attributes',
  'subject.allowed': 'List of allowed attributes',
  'subject.fixed': 'Fixed attributes',
  'subject.commonNamePattern': 'Pattern of the CN',
  'subjectAltName.types': 'Types of names',
  'subjectAltName.patterns': 'Patterns of names',
  'subjectAltName.commonNameAsDns': 'The CN becomes a DNS name too',
  'subjectAltName.ignoreOthers': 'Names of other types are left out',
  'subjectAltName.sidForm': 'Form of Microsoft’s security identifier',
  keyUsage: 'Key usages',
  extendedKeyUsage: 'Extended key usages',
  crlDistributionPoint: 'Certificates name their CRL',
};

/** The label of each field of the form, by its JSON path. */
export const RA_PROFILE_LABELS: Record<string, string> = {
  name: 'Name',
  description: 'Description',
  authorityUuid: 'Authority',
  ...Object.fromEntries(
    Object.entries(LABELS).map(([path, label]) => [RULES_PREFIX + path, label]),
  ),
};

/** The labels of the rules, by the paths that warnings have. */
export const RULE_LABELS: Record<string, string> = LABELS;

/** The path and the label of a rule. */
export function ruleField(path: keyof typeof LABELS) {
  return { path: RULES_PREFIX + path, label: LABELS[path] };
}

/** The label of a rule. */
export function ruleLabel(path: keyof typeof LABELS): string {
  return LABELS[path];
}

/** The JSON paths of the fields of the form. */
export const RA_PROFILE_PATHS = Object.keys(RA_PROFILE_LABELS);
