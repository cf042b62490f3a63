import type { KeyAlgorithm } from '../../api/schema';
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
    keyAlgorithm: 'RSA_3072',
    validity: '',
  },
  raCertificate: { uuid: '', commonName: 'Corp Device RA', validity: '' },
  preset: 'network',
  raProfileName: 'devices',
  rules: DEFAULT_RULES,
  scepProfile: { ...NEW_SCEP_PROFILE, name: 'devices' },
};

/** What is missing in a step of the wizard, in words; `undefined` if it can be left. */
export function missingIn(step: number, draft: FirstRunDraft): string | undefined {
  const { authority, raCertificate, raProfileName, scepProfile } = draft;
  const missing = [
    authority.uuid === '' && (authority.name.trim() === '' || authority.subject.trim() === '')
      ? 'A new authority needs a name and a subject.'
      : undefined,
    raCertificate.uuid === '' && raCertificate.commonName.trim() === ''
      ? 'A new RA certificate needs a common name.'
      : undefined,
    raProfileName.trim() === '' ? 'The RA Profile needs a name.' : undefined,
    scepProfile.name.trim() === ''
      ? 'The SCEP Profile needs a name.'
      : scepProfile.sources.includes('STATIC') && scepProfile.challengePassword.value === ''
        ? 'The static challenge password is missing.'
        : undefined,
  ];
  return missing[step];
}
