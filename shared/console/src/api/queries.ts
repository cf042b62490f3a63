import { useQuery, useQueryClient, type UseQueryOptions } from '@tanstack/react-query';
import { useCallback } from 'react';

import { api, body } from './client';
import type { ServerStatus } from './schema';

export function useScepProfiles() {
  return useQuery({
    queryKey: ['scepProfiles'],
    queryFn: () => body(api.GET('/api/v1/scepProfiles')),
  });
}

export function useRaProfiles() {
  return useQuery({
    queryKey: ['raProfiles'],
    queryFn: () => body(api.GET('/api/v1/raProfiles')),
  });
}

export function useAuthorities() {
  return useQuery({
    queryKey: ['authorities'],
    queryFn: () => body(api.GET('/api/v1/authorities')),
  });
}

/** Every RA certificate of every authority. */
export function useRaCertificates() {
  return useQuery({
    queryKey: ['raCertificates'],
    queryFn: () => body(api.GET('/api/v1/scepProfiles/caCertificates')),
  });
}

/** The health of the server: which endpoints serve, and what expires when. */
export function useStatus<T = ServerStatus>(options: StatusOptions<T> = {}) {
  return useQuery({
    queryKey: ['status'],
    queryFn: () => body(api.GET('/api/v1/status')),
    ...options,
  });
}

type StatusOptions<T> = Pick<
  UseQueryOptions<ServerStatus, Error, T>,
  'enabled' | 'refetchInterval' | 'select'
>;

/** A function that has what depends on the profiles read again.
 *  @param gone - the deleted profiles, which a page that still shows them must not ask for. */
export function useProfilesChanged(): (gone?: string[]) => Promise<unknown> {
  const client = useQueryClient();
  return useCallback(
    (gone = []) =>
      Promise.all(
        ['scepProfiles', 'raProfiles', 'status'].map((key) =>
          client.invalidateQueries({
            queryKey: [key],
            predicate: ({ queryKey }) => !gone.some((uuid) => queryKey.includes(uuid)),
          }),
        ),
      ),
    [client],
  );
}
