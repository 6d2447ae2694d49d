// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Button } from '@mantine/core';
import { type ErrorComponentProps, useRouter } from '@tanstack/react-router';
import { Problem } from '../api/client';
import { Empty } from './Empty';

/** A page that could not be shown, and what to do. */
export function PageError({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  const missing = error instanceof Problem && error.status === 404;
  return (
    <Empty
      title={missing ? 'There is no such thing here' : 'This page could not be shown'}
      text={error instanceof Error ? error.message : String(error)}
      action={
        <Button
          onClick={() => {
            reset();
            void router.invalidate();
          }}
        >
          Try again
        </Button>
      }
    />
  );
}
