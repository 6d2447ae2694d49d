// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Link } from '@tanstack/react-router';
import type { Import } from '../../api/types';
import { SimpleTable } from '../../components/SimpleTable';
import { StateWord } from '../../components/StateWord';
import { duration, moment, none } from '../../lib/format';
import { bytes, changesSentence, importEnded, share } from '../../lib/imports';
import classes from './Imports.module.css';

/** Imports, newest first: where each stands and what it changed. */
export function ImportTable({ imports, now }: { imports: Import[]; now: number }) {
  return (
    <SimpleTable
      label="Imports"
      rows={imports}
      keyOf={(i) => i.id}
      columns={[
        {
          name: 'Report',
          cell: (i) => (
            <Link to="/imports/$id" params={{ id: i.id }} className={classes.name}>
              {i.name}
            </Link>
          ),
        },
        { name: 'Format', cell: (i) => i.format || none },
        { name: 'State', cell: (i) => <Standing of={i} /> },
        { name: 'Size', align: 'right', cell: (i) => <span className="gy-num">{bytes(i.size)}</span> },
        { name: 'Handed in', cell: (i) => <span className="gy-num">{moment(i.created)}</span> },
        { name: 'Took', align: 'right', cell: (i) => duration(i.created, i.ended, now) },
        { name: 'Changed', cell: (i) => (i.state === 'done' ? changesSentence(i.counts) : none) },
      ]}
    />
  );
}

/** The state in words, and while it moves how far it is. */
export function Standing({ of: i }: { of: Import }) {
  const part = share(i);
  return (
    <>
      <StateWord state={i.state} />
      {!importEnded(i) && part !== undefined && (
        <span className={classes.track}>
          <span
            className={classes.fill}
            style={{ width: `${part * 100}%` }}
            role="progressbar"
            aria-label={`${i.name}, ${i.state}`}
            aria-valuenow={Math.round(part * 100)}
          />
        </span>
      )}
    </>
  );
}
