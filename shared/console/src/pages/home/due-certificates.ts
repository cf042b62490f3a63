import type { CertificateItem } from '../../api/schema';
import type { CursorPage } from '../../components/CursorTable';
import { warningTime } from '../../components/time-left';
import type { Beginning } from './Digest';

/** The days before its expiry from which on a certificate deserves attention, at most. */
export const WARN_DAYS = 30;

/** How many certificates are asked for their renewals: after a large renewal nearly all that expire
 *  soon were renewed, and each of them costs a request. */
const MAX_ASKED = 100;
const ASKED_AT_ONCE = 10;
/** How many pages are read: certificates that do not live long fill them without being due. */
const MAX_PAGES = 10;

type Due = Pick<CertificateItem, 'uuid' | 'notBefore' | 'notAfter'>;

/** Reads certificates that devices should have renewed by now, and did not.
 *  @param load - reads a page of those that expire soon, first the one that expires first.
 *  @param isRenewed - whether a certificate has a valid renewal, which may expire much later.
 *  @param wanted - how many are enough. */
export async function readDueCertificates<T extends Due>(
  load: (cursor: string | undefined) => Promise<CursorPage<T>>,
  isRenewed: (uuid: string) => Promise<boolean>,
  now: number,
  wanted: number,
): Promise<Beginning<T>> {
  const items: T[] = [];
  let asked = 0;
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const listed = await load(cursor);
    const due = listed.items.filter((certificate) => isDue(certificate, now));
    for (let place = 0; place < due.length; place += ASKED_AT_ONCE) {
      if (items.length >= wanted || asked >= MAX_ASKED) {
        return { items, isCut: true };
      }
      const some = due.slice(place, place + ASKED_AT_ONCE);
      const renewed = await Promise.all(some.map(({ uuid }) => isRenewed(uuid)));
      items.push(...some.filter((_, index) => !renewed[index]));
      asked += some.length;
    }
    if (!listed.cursor) {
      return { items, isCut: false };
    }
    cursor = listed.cursor;
  }
  return { items, isCut: true };
}

/** Whether so little of its life is left that its device should have renewed it. */
function isDue({ notBefore, notAfter }: Due, now: number): boolean {
  return Date.parse(notAfter) - now < warningTime(notAfter, WARN_DAYS, notBefore);
}
