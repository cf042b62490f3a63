import type { KeyAlgorithm } from '../../api/schema';
import {
  durationFault,
  emptyFault,
  lengthFault,
  nameFault,
  type Faults,
} from '../../components/forms/faults';
import { rulesFaults } from '../../components/ra-profile/faults';
import { challengeFaults } from '../../components/scep-profile/faults';
import { DEFAULT_RULES, type RulesDraft } from '../../components/ra-profile/draft';
import { NEW_SCEP_PROFILE, type ScepProfileDraft } from '../../components/scep-profile/draft';
import type { PresetId } from './presets';

/** What the first run is to create, as it is typed. */
export interface FirstRunDraft {
  authority: AuthorityDraft;
  raCertificate: RaCertificateDraft;
  preset: PresetId;
  raProfileName: string;
  rules: RulesDraft;
  /** Its RA certificate and default RA Profile are those of the first run. */
  scepProfile: ScepProfileDraft;
}

export interface AuthorityDraft {
  /** Of an authority that exists; empty for a new one. */
  uuid: string;
  name: string;
  subject: string;
  keyAlgorithm: KeyAlgorithm;
  validity: string;
}

export interface RaCertificateDraft {
  /** Of an RA certificate that exists; empty for a new one. */
  uuid: string;
  commonName: string;
  validity: string;
}

export const NEW_FIRST_RUN: FirstRunDraft = {
  authority: {
    uuid: '',
    name: 'corp-ca',
    subject: 'CN=Corp Device CA,O=Corp',
    keyAlgorithm: 'RSA_2048',
    validity: '',
  },
  raCertificate: { uuid: '', commonName: 'Corp Device RA', validity: '' },
  preset: 'network',
  raProfileName: 'devices',
  rules: DEFAULT_RULES,
  scepProfile: { ...NEW_SCEP_PROFILE, name: 'devices' },
};

/** What is wrong in a step of the wizard. */
export function faultsIn(step: number, draft: FirstRunDraft): Faults {
  const { authority, raCertificate, raProfileName, rules, scepProfile } = draft;
  const faults = [
    () => (authority.uuid === '' ? authorityFaults(authority) : []),
    () => (raCertificate.uuid === '' ? raCertificateFaults(raCertificate) : []),
    () => [nameFault('name', raProfileName), ...rulesFaults(rules)],
    () => [nameFault('name', scepProfile.name), ...challengeFaults(scepProfile)],
  ];
  return faults[step]?.() ?? [];
}

function authorityFaults({ name, subject, validity }: AuthorityDraft): Faults {
  return [
    nameFault('name', name),
    emptyFault('subject', subject, 'Enter a subject, such as CN=Corp Device CA,O=Corp.'),
    durationFault('validity', validity),
  ];
}

function raCertificateFaults({ commonName, validity }: RaCertificateDraft): Faults {
  return [
    emptyFault('commonName', commonName, 'Enter a common name.'),
    lengthFault('commonName', commonName, 64),
    durationFault('validity', validity),
  ];
}
