import type { AuthorityView } from '../../api/schema';
import { pemCertificates } from '../../components/certificate-files';

/** What is installed: the first certificate pasted is the authority's, the others are above it. */
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
