import type {
  EcCurve,
  KeyUsage,
  RaProfileRequest,
  RaProfileView,
  SidForm,
  TemplateView,
} from '../../api/schema';
import { numberOf } from '../forms/numbers';
import { objectOf, pairsOf, type Pair } from '../forms/pairs';

/** An RA Profile as it is typed. */
export interface RaProfileDraft {
  name: string;
  description: string;
  /** Of a new profile. */
  authorityUuid: string;
  rules: RulesDraft;
}

/** The rules of an RA Profile as they are typed. An empty text stands for the default. */
export interface RulesDraft {
  validity: string;
  backdate: string;
  rsaMinBits: string;
  ecCurves: EcCurve[];
  subjectRequired: string[];
  /** Whether attributes of the subject other than those in `subjectAllowed` are refused. */
  isSubjectLimited: boolean;
  subjectAllowed: string[];
  subjectFixed: Pair[];
  commonNamePattern: string;
  nameTypes: string[];
  namePatterns: Pair[];
  commonNameAsDns: boolean;
  ignoreOthers: boolean;
  sidForm: SidForm;
  keyUsage: KeyUsage[];
  extendedKeyUsage: string[];
  crlDistributionPoint: boolean;
}

/** The rules that a profile has when nothing is said. */
export const DEFAULT_RULES: RulesDraft = {
  validity: '',
  backdate: '',
  rsaMinBits: '',
  ecCurves: ['P256', 'P384', 'P521'],
  subjectRequired: [],
  isSubjectLimited: false,
  subjectAllowed: [],
  subjectFixed: [],
  commonNamePattern: '',
  nameTypes: ['dns', 'ip'],
  namePatterns: [],
  commonNameAsDns: false,
  ignoreOthers: false,
  sidForm: 'EXTENSION',
  keyUsage: ['digitalSignature', 'keyEncipherment'],
  extendedKeyUsage: ['clientAuth'],
  crlDistributionPoint: true,
};

export const NEW_RA_PROFILE: RaProfileDraft = {
  name: '',
  description: '',
  authorityUuid: '',
  rules: DEFAULT_RULES,
};

export function raProfileDraftOf(view: RaProfileView): RaProfileDraft {
  return {
    name: view.name,
    description: view.description,
    authorityUuid: view.authorityInstanceUuid,
    rules: rulesDraftOf(view.certificateTemplate),
  };
}

export function rulesDraftOf(template: TemplateView): RulesDraft {
  const { subject, subjectAltName: names } = template;
  return {
    validity: template.validity ?? '',
    backdate: template.backdate ?? '',
    rsaMinBits: template.rsaMinBits == null ? '' : String(template.rsaMinBits),
    ecCurves: template.ecCurves ?? DEFAULT_RULES.ecCurves,
    subjectRequired: subject?.required ?? [],
    isSubjectLimited: subject?.allowed != null,
    subjectAllowed: subject?.allowed ?? [],
    subjectFixed: pairsOf(subject?.fixed),
    commonNamePattern: subject?.commonNamePattern ?? '',
    nameTypes: names?.types ?? DEFAULT_RULES.nameTypes,
    namePatterns: pairsOf(names?.patterns),
    commonNameAsDns: names?.commonNameAsDns ?? false,
    ignoreOthers: names?.ignoreOthers ?? false,
    sidForm: names?.sidForm ?? 'EXTENSION',
    keyUsage: template.keyUsage ?? DEFAULT_RULES.keyUsage,
    extendedKeyUsage: template.extendedKeyUsage ?? DEFAULT_RULES.extendedKeyUsage,
    crlDistributionPoint: template.crlDistributionPoint ?? true,
  };
}

/** The request that creates or edits a profile as typed. */
export function raProfileBodyOf(draft: RaProfileDraft): RaProfileRequest {
  return {
    name: draft.name,
    description: draft.description,
    certificateTemplate: templateOf(draft.rules),
  };
}

export function templateOf(rules: RulesDraft): TemplateView {
  return {
    validity: rules.validity.trim() || null,
    backdate: rules.backdate.trim() || null,
    rsaMinBits: numberOf(rules.rsaMinBits),
    ecCurves: rules.ecCurves,
    subject: {
      required: rules.subjectRequired,
      allowed: rules.isSubjectLimited ? rules.subjectAllowed : null,
      fixed: objectOf(rules.subjectFixed),
      commonNamePattern: rules.commonNamePattern || null,
    },
    subjectAltName: {
      types: rules.nameTypes,
      patterns: objectOf(rules.namePatterns),
      commonNameAsDns: rules.commonNameAsDns,
      ignoreOthers: rules.ignoreOthers,
      sidForm: rules.sidForm,
    },
    keyUsage: rules.keyUsage,
    extendedKeyUsage: rules.extendedKeyUsage,
    crlDistributionPoint: rules.crlDistributionPoint,
  };
}
