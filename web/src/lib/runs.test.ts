// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { expect, test } from 'vitest';
import type { Run } from '../api/types';
import { groupRuns } from './runs';

function run(source: string, minute: number, findings: number): Run {
  return {
    id: `000000000000${minute}`,
    source,
    status: 'succeeded',
    started: `2026-03-10T12:0${minute}:00Z`,
    counts: {
      assets: 0,
      new_assets: 0,
      components: 0,
      facts: 0,
      findings,
      created: 0,
      reopened: 0,
      closed: 0,
    },
  };
}

test('runs are grouped by source in order of time, and the counts of the runs themselves stay', () => {
  const runs = [run('identify', 3, 5), run('network', 1, 0), run('identify', 2, 7)];
  const groups = groupRuns(runs);
  expect(groups.map((g) => [g.source, g.runs.length, g.counts.findings])).toEqual([
    ['network', 1, 0],
    ['identify', 2, 12],
  ]);
  expect(runs.map((r) => r.counts.findings)).toEqual([5, 0, 7]);
});
