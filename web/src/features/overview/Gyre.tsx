// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { Cycle, Tally } from '../../api/types';
import { Ring } from '../../components/ring/Ring';
import { type StageView, stageViews } from '../../lib/cycle';
import { count, duration, percent, points, signed } from '../../lib/format';
import { useNow } from '../../lib/now';
import { stageTitle } from '../../lib/words';
import classes from './Gyre.module.css';

interface GyreProps {
  cycle: Cycle | undefined;
  tally: Tally;
  /** The estate before the latest cycle. */
  previous: Tally | undefined;
  /** Actions that somebody still has to do; undefined while not known. */
  actions: number | undefined;
}

interface InHand {
  value: number | undefined;
  unit: string;
  to: '/assets' | '/exposures' | '/actions' | '/cycles';
  filter?: string;
}

/** The ring in large: where the cycle stands, what each stage has in hand, and how risk moved. */
export function Gyre({ cycle, tally, previous, actions }: GyreProps) {
  const [active, setActive] = useState<string>();
  const views = stageViews(cycle);
  const running = cycle?.state === 'running';
  const now = useNow(running ? 1000 : 60_000);
  const hand: Record<string, InHand> = {
    discover: { value: tally.assets, unit: tally.assets === 1 ? 'asset' : 'assets', to: '/assets' },
    identify: { value: tally.exposures, unit: 'active exposures', to: '/exposures' },
    prioritize: {
      value: (tally.bands?.critical ?? 0) + (tally.bands?.high ?? 0),
      unit: 'critical or high',
      to: '/exposures',
      filter: 'band in ["critical", "high"] && state in ["open", "triaged", "in_remediation", "fix_claimed"]',
    },
    remediate: { value: actions, unit: actions === 1 ? 'action to do' : 'actions to do', to: '/actions' },
    validate: {
      value: cycle?.closed,
      unit: 'closed by evidence',
      to: '/exposures',
      filter: 'state == "fixed"',
    },
  };
  return (
    <div className={classes.gyre}>
      <div className={classes.ring}>
        <Ring cycle={cycle} size={296} active={active} />
        <Movement tally={tally} previous={previous} number={cycle?.number} />
      </div>
      <ol className={classes.stages}>
        {views.map((view) => {
          const h = hand[view.stage] as InHand;
          return (
            <li key={view.stage} className={classes.stage} data-stage={view.stage} data-look={view.look}>
              <Link
                to={h.to}
                search={h.filter ? { filter: h.filter } : {}}
                className={classes.link}
                onMouseEnter={() => setActive(view.stage)}
                onMouseLeave={() => setActive(undefined)}
                onFocus={() => setActive(view.stage)}
                onBlur={() => setActive(undefined)}
              >
                <span className={classes.name}>{stageTitle[view.stage]}</span>
                <span className={classes.value}>{h.value === undefined ? '–' : count(h.value)}</span>
                <span className={classes.unit}>{h.unit}</span>
                <span className={classes.note}>{stageNote(view, now)}</span>
              </Link>
            </li>
          );
        })}
      </ol>
    </div>
  );
}

function stageNote(view: StageView, now: number): string {
  const s = view.source;
  if (!s || view.look === 'waiting') return 'waiting';
  if (view.look === 'running')
    return s.note || (s.total > 0 ? `${count(s.done)} of ${count(s.total)}` : 'under way');
  const time = duration(s.started, s.ended, now);
  return `${view.look} in ${time}`;
}

interface MovementProps {
  tally: Tally;
  previous: Tally | undefined;
  number: number | undefined;
}

/** The risk of the estate, and how it moved over the latest cycle. */
function Movement({ tally, previous, number }: MovementProps) {
  const delta = previous ? tally.risk - previous.risk : undefined;
  const part =
    previous && previous.risk > 0 && delta !== undefined
      ? percent(Math.abs(delta) / previous.risk)
      : undefined;
  const first = previous !== undefined && previous.exposures === 0 && previous.assets === 0;
  const way = delta === undefined || Math.abs(delta) < 0.05 ? 'same' : delta < 0 ? 'down' : 'up';
  return (
    <div className={classes.centre}>
      <span className={classes.risk} data-testid="risk-total">
        {points(tally.risk)}
      </span>
      <span className={classes.riskUnit}>points of risk</span>
      {first && <span className={classes.delta}>first seen by cycle {number}</span>}
      {delta !== undefined && !first && (
        <span className={classes.delta} data-way={way}>
          {way === 'same' ? 'unchanged' : `${signed(delta)}${part ? ` (${part})` : ''}`}
          <br />
          since cycle {number} began
        </span>
      )}
    </div>
  );
}
