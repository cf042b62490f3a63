import { expect, test } from 'vitest';

import { withoutCommonName } from './subjects';

test('a subject is shown beside its first CN', () => {
  expect(withoutCommonName('CN=router-1,O=Corp,C=DE')).toBe('O=Corp, C=DE');
  expect(withoutCommonName('O=Corp\\, Inc.,CN=a\\,b,CN=c')).toBe('O=Corp\\, Inc., CN=c');
  expect(withoutCommonName('CN=alone')).toBe('');
  expect(withoutCommonName('')).toBe('');
});
