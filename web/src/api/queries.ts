// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query';
import { importEnded } from '../lib/imports';
import { jobEnded } from '../lib/jobs';
import { client, ok, Problem } from './client';
import type { Action, Session } from './types';

const never = Number.POSITIVE_INFINITY;

/** Who is signed in; null when nobody is. */
export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: async ({ signal }): Promise<Session | null> => {
    try {
      return await ok(client.GET('/api/v1/session', { signal }));
    } catch (error) {
      if (error instanceof Problem && error.status === 401) return null;
      throw error;
    }
  },
  staleTime: 5 * 60_000,
});

export const overviewQuery = queryOptions({
  queryKey: ['overview'],
  queryFn: ({ signal }) => ok(client.GET('/api/v1/overview', { signal })),
});

export interface ListSearch {
  filter: string;
  sort: string;
  /** How the list was at the end of a day; undefined is now. */
  asOf?: string | undefined;
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

export const exposuresQuery = ({ filter, sort, asOf }: ListSearch) =>
  infiniteQueryOptions({
    queryKey: ['exposures', filter, sort, asOf],
    queryFn: ({ signal, pageParam }) => {
      const query = {
        sort,
        limit: pageSize,
        ...(filter && { filter }),
        ...(asOf && { as_of: asOf }),
        // Counts are those of the whole filter; the first page is enough to carry them.
        ...(pageParam ? { after: pageParam } : { facets: exposureFacets.join(',') }),
      };
      return ok(client.GET('/api/v1/exposures', { params: { query }, signal }));
    },
    initialPageParam: '',
    getNextPageParam: (last) => last.next || undefined,
    placeholderData: keepPreviousData,
  });

export const exposureQuery = (id: string) =>
  queryOptions({
    queryKey: ['exposure', id],
    queryFn: ({ signal }) => ok(client.GET('/api/v1/exposures/{id}', { params: { path: { id } }, signal })),
  });

/** Why what several sources saw is one exposure. */
export const explanationQuery = (id: string) =>
  queryOptions({
    queryKey: ['exposure', id, 'explanation'],
    queryFn: ({ signal }) =>
      ok(client.GET('/api/v1/exposures/{id}/explain', { params: { path: { id } }, signal })),
  });

export const assetsQuery = ({ filter, sort, asOf }: ListSearch) =>
  infiniteQueryOptions({
    queryKey: ['assets', filter, sort, asOf],
    queryFn: ({ signal, pageParam }) => {
      const query = {
        sort,
        limit: pageSize,
        ...(filter && { filter }),
        ...(asOf && { as_of: asOf }),
        ...(pageParam && { after: pageParam }),
      };
      return ok(client.GET('/api/v1/assets', { params: { query }, signal }));
    },
    initialPageParam: '',
    getNextPageParam: (last) => last.next || undefined,
    placeholderData: keepPreviousData,
  });

export const assetQuery = (id: string) =>
  queryOptions({
    queryKey: ['asset', id],
    queryFn: ({ signal }) => ok(client.GET('/api/v1/assets/{id}', { params: { path: { id } }, signal })),
  });

export const componentsQuery = (id: string) =>
  infiniteQueryOptions({
    queryKey: ['asset', id, 'components'],
    queryFn: ({ signal, pageParam }) => {
      const query = { limit: pageSize, ...(pageParam && { after: pageParam }) };
      return ok(client.GET('/api/v1/assets/{id}/components', { params: { path: { id }, query }, signal }));
    },
    initialPageParam: '',
    getNextPageParam: (last) => last.next || undefined,
  });

export const actionsQuery = (states: Action['state'][]) =>
  queryOptions({
    queryKey: ['actions', states.join(',')],
    queryFn: ({ signal }) =>
      ok(client.GET('/api/v1/actions', { params: { query: { state: states } }, signal })),
    placeholderData: keepPreviousData,
  });

export const actionQuery = (id: string) =>
  queryOptions({
    queryKey: ['action', id],
    queryFn: ({ signal }) => ok(client.GET('/api/v1/actions/{id}', { params: { path: { id } }, signal })),
  });

export const cyclesQuery = queryOptions({
  queryKey: ['cycles'],
  queryFn: ({ signal }) => ok(client.GET('/api/v1/cycles', { params: { query: { limit: 100 } }, signal })),
});

export const cycleQuery = (id: string) =>
  queryOptions({
    queryKey: ['cycle', id],
    queryFn: ({ signal }) => ok(client.GET('/api/v1/cycles/{id}', { params: { path: { id } }, signal })),
  });

export const diffQuery = (id: string, other: string) =>
  queryOptions({
    queryKey: ['diff', id, other],
    queryFn: ({ signal }) =>
      ok(
        client.GET('/api/v1/cycles/{id}/diff', { params: { path: { id }, query: { with: other } }, signal }),
      ),
  });

export const importsQuery = queryOptions({
  queryKey: ['imports'],
  queryFn: ({ signal }) => ok(client.GET('/api/v1/imports', { params: { query: { limit: 100 } }, signal })),
  // Imports go on without this page; look often while one does.
  refetchInterval: (query) => (query.state.data?.items?.some((i) => !importEnded(i)) ? 1000 : false),
});

export const importQuery = (id: string) =>
  queryOptions({
    queryKey: ['import', id],
    queryFn: ({ signal }) => ok(client.GET('/api/v1/imports/{id}', { params: { path: { id } }, signal })),
    refetchInterval: (query) => (query.state.data && importEnded(query.state.data) ? false : 1000),
  });

/** Why an asset is one. */
export const identityQuery = (id: string) =>
  queryOptions({
    queryKey: ['asset', id, 'identity'],
    queryFn: ({ signal }) =>
      ok(client.GET('/api/v1/assets/{id}/identity', { params: { path: { id } }, signal })),
  });

export const reviewsQuery = queryOptions({
  queryKey: ['reviews'],
  queryFn: ({ signal }) => ok(client.GET('/api/v1/reviews', { params: { query: { limit: 100 } }, signal })),
});

export const mergesQuery = queryOptions({
  queryKey: ['merges'],
  queryFn: ({ signal }) => ok(client.GET('/api/v1/merges', { params: { query: { limit: 100 } }, signal })),
});

export const jobsQuery = queryOptions({
  queryKey: ['jobs'],
  queryFn: ({ signal }) => ok(client.GET('/api/v1/jobs', { params: { query: { limit: 100 } }, signal })),
  // Jobs move without this page; look often while one does.
  refetchInterval: (query) => (query.state.data?.items.every((j) => jobEnded(j)) ? 10_000 : 1000),
});

export const workersQuery = queryOptions({
  queryKey: ['workers'],
  queryFn: ({ signal }) => ok(client.GET('/api/v1/workers', { signal })),
  refetchInterval: 10_000,
});

export const schedulesQuery = queryOptions({
  queryKey: ['schedules'],
  queryFn: ({ signal }) => ok(client.GET('/api/v1/schedules', { signal })),
  // They fire without this page.
  refetchInterval: 10_000,
});

export const scopesQuery = queryOptions({
  queryKey: ['scopes'],
  queryFn: ({ signal }) => ok(client.GET('/api/v1/scopes', { signal })),
});

export const filtersQuery = queryOptions({
  queryKey: ['filters'],
  queryFn: ({ signal }) => ok(client.GET('/api/v1/filters', { signal })),
});

export const filterSchemaQuery = (kind: 'exposures' | 'assets') =>
  queryOptions({
    queryKey: ['filter-schema', kind],
    queryFn: ({ signal }) =>
      ok(client.GET('/api/v1/filter-schema', { params: { query: { for: kind } }, signal })),
    staleTime: never,
  });

export const tokensQuery = queryOptions({
  queryKey: ['tokens'],
  queryFn: ({ signal }) => ok(client.GET('/api/v1/tokens', { signal })),
});
