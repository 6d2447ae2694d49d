// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Link } from '@tanstack/react-router';
import type { Cycle, Overview } from '../../api/types';
import { count, duration, moment } from '../../lib/format';
import { useNow } from '../../lib/now';
import classes from './Changes.module.css';

/** What the latest cycle changed, with the way to each of it. */
export function Changes({ cycle, changes }: { cycle: Cycle; changes: Overview['changes'] }) {
  const running = cycle.state === 'running';
  const now = useNow(running ? 1000 : 60_000);
  const rows = [
    ['new', changes.created, 'not seen before'],
    ['reopened', changes.reopened, 'fixed once, seen again'],
    ['closed', changes.closed, 'looked at again and gone'],
  ] as const;
  return (
    <>
      <dl className={classes.changes}>
        {rows.map(([name, n, means]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{count(n)}</dd>
            <dd className={classes.means}>{means}</dd>
          </div>
        ))}
      </dl>
      <p className={classes.when}>
        Cycle {cycle.number} {running ? 'has been running for' : 'took'}{' '}
        {duration(cycle.started, cycle.ended, now)}, started {moment(cycle.started)} by {cycle.trigger}.{' '}
        <Link to="/cycles/$id" params={{ id: cycle.id }}>
          See what changed
        </Link>
      </p>
    </>
  );
}
