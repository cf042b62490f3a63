import { expect, test } from 'vitest';

import { ApiError } from '../../api/errors';
import type { ChallengeRequest, NewChallenge } from '../../api/schema';
import {
  firstPart,
  generalReasons,
  secretsCsv,
  sendRows,
  withReasons,
  type Progress,
} from './batches';
import type { CsvRow } from './csv';

const row = (number: number, note = `n${number}`): CsvRow => ({
  number,
  request: { validity: 'PT1H', note },
  errors: [],
});
const rows = (count: number) => Array.from({ length: count }, (_, place) => row(place + 2));

/** As the API responds to a request. */
function made({ note }: ChallengeRequest): NewChallenge {
  return {
    uuid: 'u',
    state: 'UNUSED',
    createdAt: '2026-01-01T00:00:00Z',
    expiresAt: '2026-01-01T01:00:00Z',
    uses: 1,
    usesLeft: 1,
    subject: { CN: '=cmd' },
    subjectAltNames: { dns: ['a', 'b'], sid: 'S-1' },
    hold: false,
    note: note ?? '',
    annotations: {},
    challengePassword: `SECRET ${note ?? ''}`,
  };
}

test('a failure loses neither secrets nor rows', async () => {
  const sizes: number[] = [];
  let last: Progress = { made: [], left: rows(1200) };
  const send = (requests: ChallengeRequest[]) => {
    sizes.push(requests.length);
    return sizes.length === 2
      ? Promise.reject(new ApiError(503, ['The server is busy.']))
      : Promise.resolve(requests.map(made));
  };
  const heard = (progress: Progress) => (last = progress);
  await expect(sendRows(last, send, heard)).rejects.toThrow('busy');
  expect([last.made.length, last.left.length, last.left.at(0)?.number]).toEqual([500, 700, 502]);
  await sendRows(last, send, heard);
  expect(sizes).toEqual([500, 500, 500, 200]);
  expect(last.left).toEqual([]);
  expect(last.made.map(({ row }) => row)).toEqual(rows(1200).map(({ number }) => number));
  expect(last.made.at(700)?.challenge.challengePassword).toBe('SECRET n702');
});

test('a part stays below the size that the API takes', () => {
  const large = Array.from({ length: 400 }, (_, place) => row(place, 'ä'.repeat(2_000)));
  expect(firstPart(large).length).toBeLessThan(230);
  expect(firstPart([row(2, 'x'.repeat(2_000_000)), row(3)]).length).toBe(1);
});

test('reasons are told beside their rows', () => {
  const error = new ApiError(422, ['[1].subject.CN: is empty', '[2]: no', 'no such SCEP Profile']);
  const errors = withReasons(rows(3), error).map(({ errors }) => errors);
  expect(errors).toEqual([[], ['subject.CN: is empty'], ['no']]);
  expect(generalReasons(error)).toEqual(['no such SCEP Profile']);
  expect(generalReasons(new TypeError('x'))).toEqual(['x']);
});

test('the file of secrets has no formula', () => {
  const csv = secretsCsv([{ row: 2, challenge: made({ validity: 'PT1H', note: '+1' }) }]);
  expect(csv.split('\r\n')).toEqual([
    'row,note,challengePassword,expiresAt,uses,uuid,subject.CN,dns,ip,email,uri,upn',
    `2,"'+1",SECRET +1,2026-01-01T01:00:00Z,1,u,"'=cmd",a|b,,,,`,
    '',
  ]);
});
