// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import type { ReactNode } from 'react';
import classes from './DataList.module.css';

/** Names and values of one object, as the console words them. Empty values are left out. */
export function Properties({ rows }: { rows: [string, ReactNode][] }) {
  return (
    <dl className={classes.list}>
      {rows
        .filter(([, value]) => value !== undefined && value !== null && value !== '' && value !== false)
        .map(([name, value]) => (
          <div key={name} className={classes.entry}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}
