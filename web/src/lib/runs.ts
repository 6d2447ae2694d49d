// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import type { Run } from '../api/types';

export interface RunGroup {
  source: string;
  runs: Run[];
  counts: Run['counts'];
}

/** The runs of a cycle by source, in the order in which the sources began, with their counts summed. */
export function groupRuns(runs: Run[]): RunGroup[] {
  const groups = new Map<string, RunGroup>();
  for (const run of [...runs].sort((a, b) => Date.parse(a.started) - Date.parse(b.started))) {
    const group = groups.get(run.source);
    if (!group) {
      groups.set(run.source, { source: run.source, runs: [run], counts: { ...run.counts } });
      continue;
    }
    group.runs.push(run);
    for (const key of Object.keys(group.counts) as (keyof Run['counts'])[])
      group.counts[key] += run.counts[key];
  }
  return [...groups.values()];
}
