// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import type { Import } from '../api/types';
import { count, plural } from './format';

const ends = ['done', 'failed', 'cancelled'];

/** Whether nothing more will happen to an import by itself. */
export const importEnded = (i: Pick<Import, 'state'>): boolean => ends.includes(i.state);

/** Until it is being stored nothing of an import is in the estate, so it can be cancelled. */
export const cancellable = (i: Pick<Import, 'state'>): boolean =>
  ['receiving', 'waiting', 'checking'].includes(i.state);

/** "1.5 MB": sizes as people read them. */
export function bytes(n: number): string {
  const units = ['B', 'kB', 'MB', 'GB'];
  let at = 0;
  while (n >= 1000 && at < units.length - 1) {
    n /= 1000;
    at++;
  }
  return `${at === 0 || n >= 100 ? Math.round(n) : n.toFixed(1)} ${units[at]}`;
}

/** How far an import is, from 0 to 1; undefined while that is not known. */
export const share = (i: Pick<Import, 'done' | 'total'>): number | undefined =>
  i.total > 0 ? Math.min(1, i.done / i.total) : undefined;

/** What an import changed, in words. */
export function changesSentence(c: Import['counts']): string {
  const parts = [
    c.new_assets > 0 && plural(c.new_assets, 'new asset'),
    c.created > 0 && plural(c.created, 'new exposure'),
    c.reopened > 0 && `${count(c.reopened)} reopened`,
    c.closed > 0 && `${count(c.closed)} closed`,
  ].filter(Boolean);
  return parts.length > 0 ? parts.join(', ') : 'no change';
}
