// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import type { Cycle, CycleStage } from '../api/types';
import { type Stage, stages } from './words';

export type StageLook = 'waiting' | 'running' | 'done' | 'failed' | 'cancelled';

export interface StageView {
  stage: Stage;
  look: StageLook;
  /** How far it is, 0 to 1; undefined while a running stage does not know its total. */
  part: number | undefined;
  source: CycleStage | undefined;
}

const looks: readonly string[] = ['waiting', 'running', 'done', 'failed', 'cancelled'];

/** The five stages of a cycle in order, whatever the server has sent of them so far. */
export function stageViews(cycle: Cycle | undefined): StageView[] {
  return stages.map((stage) => {
    const source = cycle?.stages.find((s) => s.stage === stage);
    const look = (looks.includes(source?.state ?? '') ? source?.state : 'waiting') as StageLook;
    let part: number | undefined = look === 'done' ? 1 : 0;
    if (source && look !== 'done' && look !== 'waiting') {
      part = source.total > 0 ? Math.min(1, source.done / source.total) : undefined;
      if (look !== 'running') part ??= 0;
    }
    return { stage, look, part, source };
  });
}

/** One sentence on where a cycle stands, for people who cannot see the ring. */
export function cycleSentence(cycle: Cycle | undefined): string {
  if (!cycle) return 'No cycle has run yet.';
  const running = stageViews(cycle).find((v) => v.look === 'running');
  if (cycle.state === 'running') {
    const doing = running ? `${running.stage} is running` : 'starting';
    return `Cycle ${cycle.number} is under way: ${doing}.`;
  }
  return `Cycle ${cycle.number} ${cycle.state}.`;
}
