import { expect, test } from 'vitest';

import {
  tokensOfValues,
  urlOfValues,
  valuesOfTokens,
  valuesOfUrl,
  type Filter,
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
