import type { KeyAlgorithm } from '../api/schema';

/** The algorithms of keys, as they are called. */
export const KEY_ALGORITHMS: { value: KeyAlgorithm; label: string; description?: string }[] = [
  { value: 'RSA_2048', label: 'RSA 2048', description: 'The default. Every client can verify it.' },
  { value: 'RSA_3072', label: 'RSA 3072' },
  { value: 'RSA_4096', label: 'RSA 4096' },
  { value: 'EC_P256', label: 'EC P-256', description: 'Not for Windows, Cisco IOS and jscep.' },
  { value: 'EC_P384', label: 'EC P-384', description: 'Not for Windows, Cisco IOS and jscep.' },
  { value: 'EC_P521', label: 'EC P-521', description: 'Not for Windows, Cisco IOS and jscep.' },
];

/** How an algorithm is called: `RSA_2048` is "RSA 2048", and `EC_P256` is "EC P-256".
 *  @param algorithm - of any key, as the API names it. */
export function algorithmText(algorithm: string): string {
  return algorithm.replace('_', ' ').replace(/ P(\d)/, ' P-$1');
}
