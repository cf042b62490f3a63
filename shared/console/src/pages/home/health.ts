import type { ServerStatus } from '../../api/schema';
import { URGENCY, type Health } from '../../components/health';
import { DAY, remainingTime } from '../../components/time-left';

/** How many days before its expiry something needs attention. */
interface Thresholds {
  warning: number;
  error: number;
}

/** A new certificate of an authority needs other people, and has to reach the devices. */
export const AUTHORITY_DAYS: Thresholds = { warning: 90, error: 30 };

/** A new RA certificate is made here, and devices read it by themselves. */
export const RA_CERTIFICATE_DAYS: Thresholds = { warning: 30, error: 7 };

/** The health of what expires at a time. */
export function healthUntil(end: string, thresholds: Thresholds, now: number): Health {
  const left = Date.parse(end) - now;
  const text = `${left <= 0 ? 'Expired' : 'Expires'} ${remainingTime(left)}`;
  if (left <= thresholds.error * DAY) {
    return { type: 'error', text };
  }
  return { type: left <= thresholds.warning * DAY ? 'warning' : 'success', text };
}

/** The health of a CRL. The next one is issued halfway to its end: when a third of its life is
 *  left, that has failed for a while. */
export function crlHealth(thisUpdate: string, nextUpdate: string, now: number): Health {
  const life = (Date.parse(nextUpdate) - Date.parse(thisUpdate)) / DAY;
  return healthUntil(nextUpdate, { warning: life / 3, error: life / 10 }, now);
}

/** Something that expires, or is not there yet. */
export interface HealthItem {
  id: string;
  kind: 'Authority' | 'RA certificate' | 'CRL';
  name: string;
  /** The page that shows it. */
  href: string;
  /** When it expires, if it does. */
  end: string | null;
  health: Health;
}

/** Everything that expires, what needs attention first. */
export function healthItems(status: ServerStatus, now: number): HealthItem[] {
  const items = [
    ...status.authorities.flatMap((authority) => authorityItems(authority, now)),
    ...status.raCertificates.map((certificate) =>
      expiringItem(
        {
          id: certificate.uuid,
          kind: 'RA certificate',
          name: certificate.subject,
          href: `/authorities/${certificate.authorityUuid}`,
        },
        certificate.notAfter,
        RA_CERTIFICATE_DAYS,
        now,
      ),
    ),
  ];
  return items.sort((a, b) => URGENCY[a.health.type] - URGENCY[b.health.type]);
}

function authorityItems(authority: ServerStatus['authorities'][number], now: number): HealthItem[] {
  const { uuid, name } = authority;
  const href = `/authorities/${uuid}`;
  const own = expiringItem(
    { id: uuid, kind: 'Authority', name, href },
    authority.state === 'ACTIVE' ? authority.notAfter : null,
    AUTHORITY_DAYS,
    now,
  );
  if (authority.nextState === 'AWAITING_CERTIFICATE') {
    own.health = { ...own.health, text: `${own.health.text}; its next key awaits a certificate` };
  } else if (authority.nextState === 'ACTIVE') {
    own.health = { ...own.health, text: `${own.health.text}; its next key is ready` };
  }
  if (!authority.crl) {
    return [own];
  }
  const { thisUpdate, nextUpdate, number } = authority.crl;
  const health = crlHealth(thisUpdate, nextUpdate, now);
  const crl = { kind: 'CRL' as const, name: `${name}, number ${number}`, href, end: nextUpdate };
  return [own, { ...crl, id: `${uuid} crl`, health }];
}

function expiringItem(
  item: Omit<HealthItem, 'end' | 'health'>,
  end: string | null | undefined,
  thresholds: Thresholds,
  now: number,
): HealthItem {
  return end
    ? { ...item, end, health: healthUntil(end, thresholds, now) }
    : { ...item, end: null, health: { type: 'pending', text: 'Awaits its certificate' } };
}
