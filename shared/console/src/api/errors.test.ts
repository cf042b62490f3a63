import { expect, test } from 'vitest';

import { ApiError, otherReasons, readError, reasonsAbout } from './errors';

test('the three bodies of errors are read', () => {
  expect(readError(409, { message: 'the name is taken' }).reasons).toEqual(['the name is taken']);
  expect(readError(422, ['name: is too long', 'b']).reasons).toEqual(['name: is too long', 'b']);
  expect(readError(502, '<html>').reasons).toEqual(['The server answered with status 502.']);
  expect(readError(412, {}).isConflict).toBe(true);
  expect(readError(422, []).isConflict).toBe(false);
});

test('a reason beside a field is a sentence', () => {
  const error = new ApiError(422, ['name: missing', 'days: 0 to 9 days', 'url: not a URL']);
  expect(reasonsAbout(error, 'name')).toBe('A value is needed.');
  expect(reasonsAbout(error, 'days')).toBe('0 to 9 days.');
  expect(reasonsAbout(error, 'url')).toBe('Not a URL.');
});

test('a reason stands beside its field and nowhere else', () => {
  const reasons = ['webhook.url: is no URL', 'name: is taken', 'RA Profile x depends on it'];
  const error = new ApiError(422, reasons);
  expect(reasonsAbout(error, 'webhook.url')).toBe('is no URL.');
  expect(reasonsAbout(error, 'webhook')).toBe('is no URL.');
  expect(reasonsAbout(error, 'names')).toBeUndefined();
  expect(otherReasons(error, ['name', 'webhook'])).toEqual(['RA Profile x depends on it']);
  expect(otherReasons(new TypeError('failed to fetch'), ['name'])).toEqual(['failed to fetch']);
});
