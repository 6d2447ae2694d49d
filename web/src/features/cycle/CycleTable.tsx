// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Link } from '@tanstack/react-router';
import type { Cycle } from '../../api/types';
import { Ring } from '../../components/ring/Ring';
import { SimpleTable } from '../../components/SimpleTable';
import { StateWord } from '../../components/StateWord';
import { count, duration, moment, none, points, signed } from '../../lib/format';
import classes from './Cycle.module.css';

/** Cycles, newest first, each with its ring and what it moved. */
export function CycleTable({ cycles, now }: { cycles: Cycle[]; now: number }) {
  return (
    <SimpleTable
      label="Cycles"
      rows={cycles}
      keyOf={(c) => c.id}
      columns={[
        {
          name: 'Cycle',
          cell: (c) => (
            <Link to="/cycles/$id" params={{ id: c.id }} className={classes.number}>
              <Ring cycle={c} size={24} />
              Cycle {c.number}
            </Link>
          ),
        },
        { name: 'State', cell: (c) => <StateWord state={c.state} /> },
        { name: 'Started', cell: (c) => <span className="gy-num">{moment(c.started)}</span> },
        { name: 'By', cell: (c) => c.trigger },
        { name: 'Took', align: 'right', cell: (c) => duration(c.started, c.ended, now) },
        { name: 'New', align: 'right', cell: (c) => count(c.created) },
        { name: 'Reopened', align: 'right', cell: (c) => count(c.reopened) },
        { name: 'Closed', align: 'right', cell: (c) => count(c.closed) },
        {
          name: 'Risk after, points',
          align: 'right',
          cell: (c) => (c.state === 'running' ? none : points(c.after.risk)),
        },
        {
          name: 'Moved',
          align: 'right',
          cell: (c) => (c.state === 'running' ? none : <Moved by={c.after.risk - c.before.risk} />),
        },
      ]}
    />
  );
}

/** A change of risk: its sign says the way, its colour repeats it. */
export function Moved({ by }: { by: number }) {
  return (
    <span className={classes.moved} data-way={Math.abs(by) < 0.05 ? 'same' : by < 0 ? 'down' : 'up'}>
      {signed(by)}
    </span>
  );
}
