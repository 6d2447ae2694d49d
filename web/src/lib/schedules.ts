// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import type { Schedule } from '../api/types';

/** What a schedule does, in words: "Cycle over shop and iac", "Sync of every feed". */
export function scheduleDoes(
  s: Pick<Schedule, 'kind' | 'scopes' | 'feed'>,
  names: Map<string, string>,
): string {
  if (s.kind === 'sync') return s.feed ? `Sync of ${s.feed}` : 'Sync of every feed';
  const scopes = (s.scopes ?? []).map((id) => names.get(id) ?? 'a scope that is gone');
  if (scopes.length === 0) return 'Cycle over every scope';
  const last = scopes.at(-1) as string;
  return `Cycle over ${scopes.length > 1 ? `${scopes.slice(0, -1).join(', ')} and ${last}` : last}`;
}
