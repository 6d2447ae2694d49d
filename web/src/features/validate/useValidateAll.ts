// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { useRef, useState } from 'react';
import { useValidate } from '../../api/mutations';

export interface Sweep {
  total: number;
  done: number;
  fixed: number;
  stillThere: number;
  inconclusive: number;
  failures: string[];
  running: boolean;
}

/** Validates exposures one after the other, so that no target is looked at twice at once. */
export function useValidateAll() {
  const validate = useValidate();
  const [sweep, setSweep] = useState<Sweep>();
  const stopped = useRef(false);

  const start = async (ids: string[]) => {
    stopped.current = false;
    const now: Sweep = {
      total: ids.length,
      done: 0,
      fixed: 0,
      stillThere: 0,
      inconclusive: 0,
      failures: [],
      running: true,
    };
    setSweep({ ...now });
    for (const id of ids) {
      if (stopped.current) break;
      try {
        const verdict = await validate.mutateAsync(id);
        if (verdict.outcome === 'fixed') now.fixed++;
        else if (verdict.outcome === 'still_there') now.stillThere++;
        else now.inconclusive++;
      } catch (error) {
        now.failures.push(error instanceof Error ? error.message : String(error));
      }
      now.done++;
      setSweep({ ...now });
    }
    setSweep({ ...now, running: false });
  };

  return { sweep, start, stop: () => (stopped.current = true) };
}
