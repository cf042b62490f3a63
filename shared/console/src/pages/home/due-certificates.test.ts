import { expect, test } from 'vitest';

import { dueCertificates } from './due-certificates';

const NOW = Date.parse('2026-03-01T00:00:00Z');

const certificate = (
  uuid: string,
  notBefore: string,
  notAfter: string,
  predecessorUuid: string | null = null,
) => ({ uuid, notBefore, notAfter, predecessorUuid });

test('a certificate is due in the last third of a short life, unless it was renewed', () => {
  const due = dueCertificates(
    [
      certificate('in-three-weeks', '2025-03-20T00:00:00Z', '2026-03-20T00:00:00Z'),
      certificate('in-two-months', '2025-05-01T00:00:00Z', '2026-05-01T00:00:00Z'),
      certificate('new-of-ten-days', '2026-02-28T00:00:00Z', '2026-03-10T00:00:00Z'),
      certificate('old-of-ten-days', '2026-02-20T00:00:00Z', '2026-03-02T00:00:00Z'),
      certificate('renewed', '2026-02-20T00:00:00Z', '2026-03-02T00:00:00Z'),
      certificate('renewal', '2026-02-28T00:00:00Z', '2026-03-10T00:00:00Z', 'renewed'),
    ],
    NOW,
  );
  expect(due.map(({ uuid }) => uuid)).toEqual(['old-of-ten-days', 'in-three-weeks']);
});
