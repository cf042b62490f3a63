import type { ChallengeSourceKind, NotificationKind } from '../../api/schema';
import type { Choice } from '../forms/inputs';

/** Who can vouch for enrolments, in the order in which they are asked. */
export const SOURCES: Choice<ChallengeSourceKind>[] = [
  {
    value: 'ONE_TIME',
    label: 'One-time challenges',
    description:
      'Each challenge is created for one device and can be used once. The safest source.',
  },
  {
    value: 'STATIC',
    label: 'A static challenge password',
    description: 'One password for every device. Whoever has it can enrol within the rules.',
  },
  {
    value: 'INTUNE',
    label: 'Microsoft Intune',
    description: 'Intune is asked about each request of the devices that it manages.',
  },
  {
    value: 'WEBHOOK',
    label: 'A webhook',
    description: 'An HTTP service of yours is asked, such as an inventory or a ticket system.',
  },
];

export const NOTIFICATIONS: Choice<NotificationKind>[] = [
  { value: 'issued', label: 'A certificate was issued' },
  { value: 'refused', label: 'A request was refused' },
  { value: 'revoked', label: 'A certificate was revoked' },
];

/** What values of a SCEP Profile that only programs read are called, by the JSON path of a field. */
export function sourceWord(path: string, value: string): string | undefined {
  const choices: Record<string, { value: string; label: string }[]> = {
    challengeSources: SOURCES,
    'webhook.notify': NOTIFICATIONS,
  };
  return choices[path]?.find((choice) => choice.value === value)?.label;
}

/** What a challenge source is called. */
export function sourceName(source: ChallengeSourceKind): string {
  return SOURCES.find(({ value }) => value === source)?.label ?? source;
}
