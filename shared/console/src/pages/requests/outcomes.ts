import type { StatusIndicatorProps } from '@cloudscape-design/components/status-indicator';

/** How an outcome of a request is shown. */
interface Outcome {
  type: StatusIndicatorProps.Type;
  text: string;
}

const OUTCOMES = new Map<string, Outcome>([
  ['GRANTED', { type: 'success', text: 'Granted' }],
  ['ISSUED', { type: 'success', text: 'Granted' }],
  ['PENDING', { type: 'pending', text: 'Waits for approval' }],
  ['REFUSED', { type: 'error', text: 'Refused' }],
  ['REJECTED', { type: 'stopped', text: 'Rejected' }],
  ['ISSUING', { type: 'in-progress', text: 'Being issued' }],
]);

/** The outcome of a request, or the status of a transaction, as a status indicator. */
export function outcomeOf(code: string): Outcome {
  return OUTCOMES.get(code) ?? { type: 'info', text: code };
}

/** The outcomes by which requests can be filtered. */
export const OUTCOME_CHOICES = ['GRANTED', 'PENDING', 'REFUSED', 'REJECTED', 'ISSUING'].map(
  (value) => ({ value, label: outcomeOf(value).text }),
);

const MESSAGE_TYPES = new Map([
  ['17', 'RenewalReq'],
  ['19', 'PKCSReq'],
  ['20', 'CertPoll'],
  ['21', 'GetCert'],
  ['22', 'GetCRL'],
]);

/** The name of a messageType in RFC 8894, with its number. */
export function messageTypeText(messageType: string | null | undefined): string {
  if (!messageType) {
    return 'unknown';
  }
  const name = MESSAGE_TYPES.get(messageType);
  return name === undefined ? messageType : `${name} (${messageType})`;
}
