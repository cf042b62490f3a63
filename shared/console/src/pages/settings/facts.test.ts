import { expect, test } from 'vitest';

import type { ServerSettings } from '../../api/schema';
import { factsOf } from './facts';

const settings: ServerSettings = {
  version: '0.1.0',
  publicUrl: 'https://scep.example',
  platform: 'LOCAL',
  pendingDays: 7,
  crlDays: 1,
  requestDays: 30,
  profilesMaxAgeSeconds: 5,
  defaultScepProfile: null,
  tokens: true,
};

test('each platform says how its settings are changed', () => {
  const changes = (platform: ServerSettings['platform']) =>
    factsOf({ ...settings, platform }).map(({ changedBy }) => changedBy);
  expect(changes('LOCAL')[1]).toBe('--public-url or SCEPTER_PUBLIC_URL');
  expect(changes('AWS')[1]).toBe('the stack’s parameter PublicUrl');
  // Nothing changes the platform itself.
  expect(changes('AWS').filter((change) => change === undefined)).toHaveLength(1);
});

test('settings are told in words', () => {
  const values = factsOf(settings).map(({ value }) => value);
  expect(values).toEqual([
    'Local server',
    'https://scep.example',
    '7 days',
    '1 day',
    '30 days',
    '5 s',
    'None',
  ]);
});
