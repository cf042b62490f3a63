import { expect, test } from 'vitest';

import { newWebhookSecret } from './webhook-secret';

test('a secret has the form that the API demands, and is another each time', () => {
  const secret = newWebhookSecret();
  expect(secret.startsWith('whsec_')).toBe(true);
  expect(atob(secret.slice('whsec_'.length))).toHaveLength(32);
  expect(newWebhookSecret()).not.toBe(secret);
});
