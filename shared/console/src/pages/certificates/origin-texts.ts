import type { Attribute, CertificateView } from '../../api/schema';

const SOURCES = new Map([
  ['ONE_TIME', 'A one-time challenge.'],
  ['STATIC', 'The challengePassword that the profile’s devices share.'],
  ['INTUNE', 'Intune.'],
  ['WEBHOOK', 'The webhook.'],
]);

/** What vouched for a certificate, in words. */
export function sourceText({
  challengeSource,
  predecessorUuid,
}: Pick<CertificateView, 'challengeSource' | 'predecessorUuid'>): string {
  if (challengeSource) {
    return SOURCES.get(challengeSource) ?? challengeSource;
  }
  return predecessorUuid
    ? 'The certificate that it renewed.'
    : 'An administrator, who approved it without a challenge.';
}

/** Attributes with their values as texts. */
export function attributePairs(attributes: Attribute[]): { label: string; value: string }[] {
  return attributes.map(({ name, content = [] }) => ({
    label: name,
    value: content.map(({ data, reference }) => reference ?? textOf(data)).join(', ') || '–',
  }));
}

function textOf(data: unknown): string {
  return typeof data === 'string' ? data : JSON.stringify(data);
}
