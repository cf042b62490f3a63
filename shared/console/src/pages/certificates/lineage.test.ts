import { expect, test } from 'vitest';

import { distanceText, readLineage, type Link } from './lineage';

/** a → b → c, d; c → e. */
const CERTIFICATES: Link[] = [
  { uuid: 'a', predecessorUuid: null },
  { uuid: 'b', predecessorUuid: 'a' },
  { uuid: 'c', predecessorUuid: 'b' },
  { uuid: 'd', predecessorUuid: 'b' },
  { uuid: 'e', predecessorUuid: 'c' },
];

async function lineageOf(certificates: Link[], uuid: string, limit: number) {
  const load = (wanted: string) => {
    const found = certificates.find((certificate) => certificate.uuid === wanted);
    return found ? Promise.resolve(found) : Promise.reject(new Error(wanted));
  };
  const renewalsOf = (wanted: string) =>
    Promise.resolve(certificates.filter(({ predecessorUuid }) => predecessorUuid === wanted));
  const lineage = await readLineage(await load(uuid), load, renewalsOf, limit);
  return {
    members: lineage.members.map(({ certificate, distance }) => `${certificate.uuid}${distance}`),
    isCut: lineage.isCut,
  };
}

test('predecessors and successors are found in both directions', async () => {
  expect(await lineageOf(CERTIFICATES, 'b', 10)).toEqual({
    members: ['a-1', 'b0', 'c1', 'd1', 'e2'],
    isCut: false,
  });
  expect((await lineageOf(CERTIFICATES, 'e', 10)).members).toEqual(['a-3', 'b-2', 'c-1', 'e0']);
  expect((await lineageOf(CERTIFICATES, 'a', 4)).isCut).toBe(false);
});

test('a long lineage is cut, and says so', async () => {
  const chain = Array.from({ length: 50 }, (_, place) => ({
    uuid: String(place),
    predecessorUuid: place === 0 ? null : String(place - 1),
  }));
  const { members, isCut } = await lineageOf(chain, '25', 3);
  expect(members.slice(0, 4)).toEqual(['22-3', '23-2', '24-1', '250']);
  expect(members.length).toBeLessThan(10);
  expect(isCut).toBe(true);
});

test('a circle, which only a damaged store can have, ends', async () => {
  const circle = [
    { uuid: 'x', predecessorUuid: 'y' },
    { uuid: 'y', predecessorUuid: 'x' },
  ];
  expect((await lineageOf(circle, 'x', 10)).members).toEqual(['y-1', 'x0']);
});

test('distances are told in words', () => {
  expect([-2, -1, 0, 1].map(distanceText)).toEqual([
    '2 renewals before',
    'One renewal before',
    'This certificate',
    'One renewal after',
  ]);
});
