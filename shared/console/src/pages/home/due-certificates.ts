import type { CertificateItem } from '../../api/schema';
import { warningTime } from '../../components/time-left';

/** The days before its expiry from which on a certificate deserves attention, at most. */
export const WARN_DAYS = 30;

type Due = Pick<CertificateItem, 'uuid' | 'predecessorUuid' | 'notBefore' | 'notAfter'>;

/** The certificates of a list that will end soon, first the one that ends first. Without those that
 *  another one of the list has renewed, and those whose devices need not have renewed them yet. */
export function dueCertificates<T extends Due>(certificates: T[], now: number): T[] {
  const renewed = new Set(certificates.map(({ predecessorUuid }) => predecessorUuid));
  return certificates
    .filter(
      ({ uuid, notBefore, notAfter }) =>
        !renewed.has(uuid) &&
        Date.parse(notAfter) - now < warningTime(notAfter, WARN_DAYS, notBefore),
    )
    .sort((a, b) => Date.parse(a.notAfter) - Date.parse(b.notAfter));
}
