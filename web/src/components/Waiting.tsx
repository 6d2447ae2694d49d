// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Button } from '@mantine/core';
import { Problem } from '../api/client';
import { Empty } from './Empty';
import { Page } from './Page';

interface WaitingProps {
  query: { error: Error | null; refetch: () => unknown };
  title: string;
}

/** A page whose data is not there: on its way, or why not. */
export function Waiting({ query, title }: WaitingProps) {
  const { error } = query;
  if (!error) {
    return (
      <Page title={title}>
        <output className="gy-dim">Loading…</output>
      </Page>
    );
  }
  const missing = error instanceof Problem && error.status === 404;
  return (
    <Page title={title}>
      <Empty
        title={missing ? 'This is not here (any more)' : 'This could not be loaded'}
        text={error.message}
        action={<Button onClick={() => query.refetch()}>Try again</Button>}
      />
    </Page>
  );
}
