import type { AuthorityView, KeyAlgorithm } from '../../api/schema';
import { pemCertificates } from '../../components/certificate-files';

/** The algorithms of keys, as they are called. */
export const KEY_ALGORITHMS: { value: KeyAlgorithm; label: string }[] = [
  { value: 'RSA_2048', label: 'RSA 2048' },
  { value: 'RSA_3072', label: 'RSA 3072' },
  { value: 'RSA_4096', label: 'RSA 4096' },
  { value: 'EC_P256', label: 'EC P-256' },
  { value: 'EC_P384', label: 'EC P-384' },
  { value: 'EC_P521', label: 'EC P-521' },
];

/** How an algorithm is called. */
export function algorithmText(algorithm: KeyAlgorithm): string {
  return KEY_ALGORITHMS.find(({ value }) => value === algorithm)?.label ?? algorithm;
}

/** What is installed: the first certificate pasted is the authority's, those after it are above it. */
export function installationOf(certificate: string, chain: string) {
  const [own, ...above] = pemCertificates(certificate);
  return { certificate: own ?? certificate, chain: [...above, ...pemCertificates(chain)] };
}

/** How far a rollover has come. */
export type RolloverStage = 'none' | 'awaitingCertificate' | 'announced';

/** How far the rollover of an authority has come. */
export function rolloverStage({ nextState }: Pick<AuthorityView, 'nextState'>): RolloverStage {
  if (!nextState) {
    return 'none';
  }
  return nextState === 'ACTIVE' ? 'announced' : 'awaitingCertificate';
}

/** The text of a field, or nothing when it is left to its default. */
export function orDefault(text: string): string | undefined {
  return text.trim() === '' ? undefined : text.trim();
}

/** The items of a text that are separated by commas or spaces. */
export function listOf(text: string): string[] {
  return text.split(/[\s,]+/).filter((item) => item !== '');
}
