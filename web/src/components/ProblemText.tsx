// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Alert } from '@mantine/core';
import { Problem } from '../api/client';

/** An error beside what caused it, with each place that the server names. */
export function ProblemText({ error }: { error: Error | null | undefined }) {
  if (!error) return null;
  const places =
    error instanceof Problem
      ? error.places.filter((p) => p.message && !error.message.includes(p.message))
      : [];
  return (
    <Alert color="wine" variant="light" role="alert" p="xs" styles={{ message: { color: 'var(--gy-text)' } }}>
      {error.message}
      {places.map((p) => (
        <div key={`${p.location}${p.message}`}>
          {p.location && <strong>{p.location}: </strong>}
          {p.message}
        </div>
      ))}
    </Alert>
  );
}
