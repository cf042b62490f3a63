import { useQuery } from '@tanstack/react-query';

import { api, body } from './client';

/** What a caller may do. */
export type Scope = 'read' | 'write' | 'approve' | 'challenge';

/** Who is signed in, and what they may do. */
export function useCaller() {
  return useQuery({
    queryKey: ['caller'],
    queryFn: () => body(api.GET('/api/v1/caller')),
    staleTime: Infinity,
  });
}

/** Why the caller may not do what needs one of these scopes; `undefined` when they may. */
export function useDenial(...scopes: Scope[]): string | undefined {
  const caller = useCaller();
  if (!caller.data || scopes.some((scope) => caller.data.scopes.includes(scope))) {
    return undefined;
  }
  return `Your sign-in lacks the scope ${scopes.join(' or ')}.`;
}
