import { expect, test } from 'vitest';

import {
  tokensOfValues,
  urlOfValues,
  valuesOfTokens,
  valuesOfUrl,
  type Filter,
  valueText,
} from './url-filters';

const filters: Filter<'subject' | 'since' | 'until'>[] = [
  { parameter: 'subject', property: 'subject', label: 'Subject', operator: ':' },
  { parameter: 'since', property: 'at', label: 'Time', operator: '>=', isDate: true },
  { parameter: 'until', property: 'at', label: 'Time', operator: '<', isDate: true },
];

test('a URL sets filters, and nothing else', () => {
  const search = new URLSearchParams('subject=CN%3Da&until=2030-01-01&since=&limit=7');
  const values = { subject: 'CN=a', until: '2030-01-01' };
  expect(valuesOfUrl(search, filters)).toEqual(values);
  expect(urlOfValues(values, filters).toString()).toBe('subject=CN%3Da&until=2030-01-01');
});

test('filters survive the way to Cloudscape and back', () => {
  const values = { subject: 'a', since: '2026-01-01', until: '2030-01-01' };
  const tokens = tokensOfValues(values, filters);
  expect(tokens[2]).toEqual({ propertyKey: 'at', operator: '<', value: '2030-01-01' });
  expect(valuesOfTokens(tokens, filters)).toEqual(values);
});

test('the later of two values counts, and a bare text is for the first filter', () => {
  const tokens = [
    { propertyKey: 'subject', operator: ':' as const, value: 'a' },
    { operator: ':' as const, value: ' b ' },
    { propertyKey: 'at', operator: '=' as const, value: '2030-01-01' },
  ];
  expect(valuesOfTokens(tokens, filters)).toEqual({ subject: 'b' });
});

test('a value is shown by its name, and an identifier by its beginning', () => {
  const uuid = '2d2a1c3e-5f57-4f6c-8d0b-7a3d9d7f2b11';
  const options = [{ value: uuid, label: 'routers' }];
  expect(valueText({ options }, uuid)).toBe('routers');
  expect(valueText({ options }, 'gone')).toBe('gone');
  expect(valueText({ options: [] }, uuid)).toBe('Loading…');
  expect(valueText({}, uuid)).toBe('2d2a1c3e…');
  expect(valueText({}, 'router-1')).toBe('router-1');
  expect(valueText({ isDate: true }, '2026-03-01T00:00:00Z')).toBe('2026-03-01');
});
