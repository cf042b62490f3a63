import type { StatusIndicatorProps } from '@cloudscape-design/components/status-indicator';

import type { ChallengeView } from '../../api/schema';

/** How the state of a challenge is shown. */
export const STATES: Record<
  ChallengeView['state'],
  { type: StatusIndicatorProps.Type; text: string }
> = {
  UNUSED: { type: 'success', text: 'Unused' },
  USED: { type: 'info', text: 'Used' },
  EXPIRED: { type: 'stopped', text: 'Expired' },
  DELETED: { type: 'stopped', text: 'Deleted' },
};

/** The states by which challenges can be filtered. */
export const STATE_CHOICES = Object.entries(STATES).map(([value, { text }]) => ({
  value,
  label: text,
}));

/** The secret-free name of a challenge, by which a person knows it. */
export function challengeName({ note, subject, uuid }: ChallengeView): string {
  return note || subject.CN || uuid;
}
