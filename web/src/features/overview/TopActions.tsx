// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Link } from '@tanstack/react-router';
import type { Action } from '../../api/types';
import { Empty } from '../../components/Empty';
import { plural, points } from '../../lib/format';
import classes from './TopActions.module.css';

/** The actions that remove most risk, with how much as a length. */
export function TopActions({ actions, cycled }: { actions: Action[]; cycled: boolean }) {
  const most = Math.max(...actions.map((a) => a.risk_removed), 1);
  if (actions.length === 0) {
    return (
      <Empty
        small
        title={cycled ? 'Nothing to do' : 'No actions yet'}
        text={
          cycled
            ? 'No open action is left.'
            : 'A cycle turns what it finds into things to do, the best first.'
        }
      />
    );
  }
  return (
    <ol className={classes.actions}>
      {actions.map((a) => (
        <li key={a.id}>
          <Link to="/actions/$id" params={{ id: a.id }} className={classes.action}>
            <span className={classes.title}>{a.title}</span>
            <span className={classes.gain}>
              −{points(a.risk_removed)} <small>points</small>
            </span>
            <span
              className={classes.bar}
              style={{ width: `${(a.risk_removed / most) * 100}%` }}
              aria-hidden
            />
            <span className={classes.reach}>
              {plural(a.exposures, 'exposure')} on {plural(a.assets, 'asset')}
              {a.owner && `, ${a.owner}`}
            </span>
          </Link>
        </li>
      ))}
    </ol>
  );
}
