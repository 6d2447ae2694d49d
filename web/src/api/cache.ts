// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { QueryCache, QueryClient } from '@tanstack/react-query';
import { Problem } from './client';
import { sessionQuery } from './queries';

/** The one place where server data lives in the console. */
export function createQueries(): QueryClient {
  const queries: QueryClient = new QueryClient({
    defaultOptions: {
      queries: {
        // Events invalidate what changed; this covers what they do not speak of.
        staleTime: 30_000,
        retry: (failures, error) =>
          failures < 2 && error instanceof Problem && (error.status === 0 || error.status >= 502),
      },
    },
    queryCache: new QueryCache({
      onError: (error) => {
        if (error instanceof Problem && error.status === 401)
          queries.setQueryData(sessionQuery.queryKey, null);
      },
    }),
  });
  return queries;
}
