// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import type { QueryClient } from '@tanstack/react-query';
import { useEffect, useSyncExternalStore } from 'react';
import type { Cycle } from './types';

/** What an event of the server may have changed. The rest of the cache stays. */
const estateKeys = ['overview', 'exposures', 'exposure', 'assets', 'asset', 'actions', 'action'];
const throttleMillis = 1500;

export type Link = 'connecting' | 'live' | 'lost';
let link: Link = 'connecting';
const listeners = new Set<() => void>();

function setLink(next: Link): void {
  link = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Whether what is on the screen follows the server right now. */
export const useLink = (): Link => useSyncExternalStore(subscribe, () => link);

/** Keeps the query cache current from the server's events, at most one round of refetches each 1.5 seconds. */
export function useLiveUpdates(queries: QueryClient): void {
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let last = 0;
    const refresh = () => {
      if (timer) return;
      timer = setTimeout(
        () => {
          timer = undefined;
          last = Date.now();
          void queries.invalidateQueries({ predicate: (q) => estateKeys.includes(String(q.queryKey[0])) });
        },
        Math.max(50, last + throttleMillis - Date.now()),
      );
    };
    const source = new EventSource('/api/v1/events');
    let lost = false;
    source.onopen = () => {
      setLink('live');
      // What happened while the connection was down was not seen.
      if (lost) void queries.invalidateQueries();
      lost = false;
    };
    source.onerror = () => {
      lost = true;
      setLink('lost');
    };
    source.addEventListener('change', refresh);
    source.addEventListener('cycle', (event) => {
      applyCycle(queries, JSON.parse((event as MessageEvent<string>).data) as Cycle);
    });
    return () => {
      source.close();
      clearTimeout(timer);
    };
  }, [queries]);
}

/** Puts a cycle that the server has just sent wherever cycles are shown. */
export function applyCycle(queries: QueryClient, cycle: Cycle): void {
  queries.setQueryData<{ cycle?: Cycle } | undefined>(['overview'], (old) => {
    if (!old || (old.cycle && old.cycle.number > cycle.number)) return old;
    const { created, closed, reopened } = cycle;
    return { ...old, cycle, changes: { created, closed, reopened } };
  });
  queries.setQueryData<{ cycle: Cycle } | undefined>(['cycle', cycle.id], (old) =>
    old ? { ...old, cycle } : old,
  );
  queries.setQueryData<{ items: Cycle[] } | undefined>(['cycles'], (old) => {
    if (!old) return old;
    const items = old.items.filter((c) => c.id !== cycle.id);
    return { ...old, items: [...items, cycle].sort((a, b) => b.number - a.number) };
  });
  if (cycle.state !== 'running') {
    void queries.invalidateQueries({
      predicate: (q) => [...estateKeys, 'cycle', 'cycles', 'diff', 'feeds'].includes(String(q.queryKey[0])),
    });
  }
}
