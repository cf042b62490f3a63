import { expect, test } from 'vitest';

import { readDueCertificates } from './due-certificates';

const NOW = Date.parse('2026-03-01T00:00:00Z');

interface Listed {
  uuid: string;
  notBefore: string;
  notAfter: string;
}

const certificate = (uuid: string, notBefore: string, notAfter: string): Listed => ({
  uuid,
  notBefore: `${notBefore}T00:00:00Z`,
  notAfter: `${notAfter}T00:00:00Z`,
});

/** A certificate of a year that expires in three weeks. */
const due = (uuid: string) => certificate(uuid, '2025-03-20', '2026-03-20');

/** Reads from a list in pages of `pageSize`, and notes what is asked. */
async function read(list: Listed[], renewed: string[], pageSize = 100) {
  const asked: string[] = [];
  const { items, isCut } = await readDueCertificates(
    (cursor = '0') => {
      const end = Number(cursor) + pageSize;
      const items = list.slice(Number(cursor), end);
      return Promise.resolve({ items, cursor: end < list.length ? String(end) : null });
    },
    (uuid) => {
      asked.push(uuid);
      return Promise.resolve(renewed.includes(uuid));
    },
    NOW,
    6,
  );
  return { uuids: items.map(({ uuid }) => uuid), isCut, asked };
}

test('a certificate is due in the last third of a short life', async () => {
  const found = await read(
    [
      certificate('old-of-ten-days', '2026-02-20', '2026-03-02'),
      certificate('new-of-ten-days', '2026-02-28', '2026-03-10'),
      certificate('in-three-weeks', '2025-03-20', '2026-03-20'),
      certificate('in-two-months', '2025-05-01', '2026-05-01'),
    ],
    [],
  );
  expect(found.uuids).toEqual(['old-of-ten-days', 'in-three-weeks']);
  expect(found.isCut).toBe(false);
});

test('a certificate is not due once it was renewed, however long its renewal lives', async () => {
  // The renewal expires years later, so that the list of what expires soon does not have it.
  const found = await read([due('renewed'), due('forgotten')], ['renewed']);
  expect(found).toMatchObject({ uuids: ['forgotten'], isCut: false });
});

test('renewed certificates of whole pages do not hide the one that is due behind them', async () => {
  const renewed = Array.from({ length: 50 }, (_, number) => `renewed-${number}`);
  const found = await read([...renewed, 'forgotten'].map(due), renewed, 20);
  expect(found).toMatchObject({ uuids: ['forgotten'], isCut: false });
});

test('no more is asked once enough was found, or when nearly all was renewed', async () => {
  const names = Array.from({ length: 500 }, (_, number) => `number-${number}`);
  const none = await read(names.map(due), []);
  expect(none).toMatchObject({ uuids: names.slice(0, 10), isCut: true });
  expect(none.asked.length).toBe(10);
  const all = await read(names.map(due), names);
  expect(all).toMatchObject({ uuids: [], isCut: true });
  expect(all.asked.length).toBe(100);
});

test('no more than ten pages are read when nothing in them is due', async () => {
  const young = Array.from({ length: 40 }, () => certificate('young', '2026-02-28', '2026-03-10'));
  expect(await read(young, [], 4)).toMatchObject({ isCut: false });
  expect(await read([...young, due('forgotten')], [], 4)).toMatchObject({ uuids: [], isCut: true });
});
