// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query';
import { client, ok, Problem } from './client';
import type * as T from './types';

const get = <R>(path: string, query?: Record<string, unknown>, signal?: AbortSignal): Promise<R> =>
  ok<R>(client.GET(path, { params: { query }, signal } as never) as never);

export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: async ({ signal }): Promise<T.Session | null> => {
    try {
      return await get<T.Session>('/api/v1/session', undefined, signal);
    } catch (error) {
      if (error instanceof Problem && error.status === 401) return null;
      throw error;
    }
  },
  staleTime: 5 * 60_000,
});

export const overviewQuery = queryOptions({
  queryKey: ['overview'],
  queryFn: ({ signal }) => get<T.Overview>('/api/v1/overview', undefined, signal),
});

export interface ListSearch {
  filter: string;
  sort: string;
}

export const exposureFacets = [
  'severity',
  'band',
  'state',
  'class',
  'asset.zone',
  'asset.kind',
  'sources',
] as const;
const pageSize = 200;

export const exposuresQuery = ({ filter, sort }: ListSearch) =>
  infiniteQueryOptions({
    queryKey: ['exposures', filter, sort],
    queryFn: ({ signal, pageParam }) =>
      get<T.ExposurePage>(
        '/api/v1/exposures',
        {
          filter: filter || undefined,
          sort,
          limit: pageSize,
          after: pageParam || undefined,
          // Counts are those of the whole filter; one page is enough to carry them.
          facets: pageParam ? undefined : exposureFacets.join(','),
        },
        signal,
      ),
    initialPageParam: '',
    getNextPageParam: (last) => last.next || undefined,
    placeholderData: keepPreviousData,
  });

export const exposureQuery = (id: string) =>
  queryOptions({
    queryKey: ['exposure', id],
    queryFn: ({ signal }) => get<T.ExposureDetail>(`/api/v1/exposures/${id}`, undefined, signal),
  });

export const assetsQuery = ({ filter, sort }: ListSearch) =>
  infiniteQueryOptions({
    queryKey: ['assets', filter, sort],
    queryFn: ({ signal, pageParam }) =>
      get<T.AssetPage>(
        '/api/v1/assets',
        { filter: filter || undefined, sort, limit: pageSize, after: pageParam || undefined },
        signal,
      ),
    initialPageParam: '',
    getNextPageParam: (last) => last.next || undefined,
    placeholderData: keepPreviousData,
  });

export const assetQuery = (id: string) =>
  queryOptions({
    queryKey: ['asset', id],
    queryFn: ({ signal }) => get<T.AssetDetail>(`/api/v1/assets/${id}`, undefined, signal),
  });

export const componentsQuery = (id: string) =>
  infiniteQueryOptions({
    queryKey: ['asset', id, 'components'],
    queryFn: ({ signal, pageParam }) =>
      get<T.ComponentPage>(
        `/api/v1/assets/${id}/components`,
        { limit: pageSize, after: pageParam || undefined },
        signal,
      ),
    initialPageParam: '',
    getNextPageParam: (last) => last.next || undefined,
  });

export const actionsQuery = (state: string) =>
  queryOptions({
    queryKey: ['actions', state],
    queryFn: ({ signal }) =>
      get<T.ActionList>('/api/v1/actions', { state: state || undefined, sort: '-risk_removed' }, signal),
    placeholderData: keepPreviousData,
  });

export const actionQuery = (id: string) =>
  queryOptions({
    queryKey: ['action', id],
    queryFn: ({ signal }) => get<T.ActionDetail>(`/api/v1/actions/${id}`, undefined, signal),
  });

export const cyclesQuery = queryOptions({
  queryKey: ['cycles'],
  queryFn: ({ signal }) => get<{ items: T.Cycle[] }>('/api/v1/cycles', { limit: 100 }, signal),
});

export const cycleQuery = (id: string) =>
  queryOptions({
    queryKey: ['cycle', id],
    queryFn: ({ signal }) =>
      get<{ cycle: T.Cycle; runs: T.Run[] }>(`/api/v1/cycles/${id}`, undefined, signal),
  });

export const diffQuery = (id: string, other: string) =>
  queryOptions({
    queryKey: ['diff', id, other],
    queryFn: ({ signal }) => get<T.CycleDiff>(`/api/v1/cycles/${id}/diff`, { with: other }, signal),
  });

export const scopesQuery = queryOptions({
  queryKey: ['scopes'],
  queryFn: ({ signal }) => get<{ items: T.Scope[] }>('/api/v1/scopes', undefined, signal),
});

export const filtersQuery = queryOptions({
  queryKey: ['filters'],
  queryFn: ({ signal }) => get<{ items: T.SavedFilter[] }>('/api/v1/filters', undefined, signal),
});

export const filterSchemaQuery = (kind: 'exposures' | 'assets') =>
  queryOptions({
    queryKey: ['filter-schema', kind],
    queryFn: ({ signal }) => get<T.FilterSchema>('/api/v1/filter-schema', { for: kind }, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });

export const tokensQuery = queryOptions({
  queryKey: ['tokens'],
  queryFn: ({ signal }) => get<{ items: T.Token[] }>('/api/v1/tokens', undefined, signal),
});
