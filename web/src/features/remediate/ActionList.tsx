// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Link } from '@tanstack/react-router';
import type { Action } from '../../api/types';
import { StateWord } from '../../components/StateWord';
import { day, known, plural, points } from '../../lib/format';
import classes from './ActionList.module.css';

/** Actions by what they remove: a ranking whose bars share one scale. */
export function ActionList({ actions, now }: { actions: Action[]; now: number }) {
  const most = Math.max(...actions.map((a) => a.risk_removed), 1);
  return (
    <ol className={classes.list}>
      {actions.map((a) => {
        const late = known(a.due) && Date.parse(a.due) < now && ['open', 'in_progress'].includes(a.state);
        return (
          <li key={a.id}>
            <Link to="/actions/$id" params={{ id: a.id }} className={classes.row}>
              <span className={classes.title}>{a.title}</span>
              <span className={classes.gain}>
                −{points(a.risk_removed)} <small>points</small>
              </span>
              <span className={classes.track} aria-hidden>
                <span style={{ width: `${(a.risk_removed / most) * 100}%` }} />
              </span>
              <span className={classes.facts}>
                <StateWord state={a.state} />
                <span>
                  {plural(a.exposures, 'exposure')} on {plural(a.assets, 'asset')}
                </span>
                <span>{a.owner || 'no owner'}</span>
                {known(a.due) && (
                  <span data-late={late || undefined}>
                    due {day(a.due)}
                    {late && ', overdue'}
                  </span>
                )}
              </span>
            </Link>
          </li>
        );
      })}
    </ol>
  );
}
