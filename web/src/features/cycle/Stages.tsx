// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import type { Cycle } from '../../api/types';
import { stageViews } from '../../lib/cycle';
import { count, duration } from '../../lib/format';
import { stageTitle, title } from '../../lib/words';
import classes from './Cycle.module.css';

/** The five stages side by side: how far each is, how long it took, what it does or did. */
export function Stages({ cycle, now }: { cycle: Cycle; now: number }) {
  return (
    <ol className={classes.stages}>
      {stageViews(cycle).map(({ stage, look, part, source }) => (
        <li key={stage} className={classes.stage} data-look={look}>
          <div className={classes.name}>
            {stageTitle[stage]}
            <span>{look === 'waiting' ? 'waiting' : duration(source?.started, source?.ended, now)}</span>
          </div>
          <div
            className={classes.track}
            role="progressbar"
            aria-label={`${stageTitle[stage]}: ${title(look).toLowerCase()}`}
            aria-valuemin={0}
            aria-valuemax={100}
            aria-valuenow={part === undefined ? undefined : Math.round(part * 100)}
          >
            <span className={classes.fill} style={{ width: `${(part ?? 0.5) * 100}%` }} />
          </div>
          <p className={classes.note}>
            {look === 'running' &&
              source &&
              source.total > 0 &&
              `${count(source.done)} of ${count(source.total)}. `}
            {source?.note || (look === 'waiting' ? '' : title(look))}
          </p>
        </li>
      ))}
    </ol>
  );
}
