/** A new secret of a webhook, as the Standard Webhooks specification writes it. */
export function newWebhookSecret(): string {
  const octets = crypto.getRandomValues(new Uint8Array(32));
  return `whsec_${btoa(String.fromCharCode(...octets))}`;
}
