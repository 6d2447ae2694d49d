// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { type RenderResult, render } from '@testing-library/react';
import type { ReactElement } from 'react';

/** Renders a component as the console does, with a cache that asks no server. */
export function show(element: ReactElement, fill: (queries: QueryClient) => void = () => {}): RenderResult {
  const queries = new QueryClient({
    defaultOptions: { queries: { staleTime: Number.POSITIVE_INFINITY, retry: false } },
  });
  fill(queries);
  return render(
    <MantineProvider env="test">
      <QueryClientProvider client={queries}>{element}</QueryClientProvider>
    </MantineProvider>,
  );
}
