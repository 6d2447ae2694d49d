// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import type { ReactNode } from 'react';
import classes from './SimpleTable.module.css';

interface SimpleTableProps<Row> {
  label: string;
  rows: Row[];
  keyOf: (row: Row) => string;
  columns: { name: string; align?: 'right'; cell: (row: Row) => ReactNode }[];
}

/** A plain table for some dozens of rows. It scrolls within itself when it is too wide. */
export function SimpleTable<Row>({ label, rows, keyOf, columns }: SimpleTableProps<Row>) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
    <section className={classes.scroll} aria-label={label} tabIndex={0}>
      <table className={classes.table}>
        <thead>
          <tr>
            {columns.map((c) => (
              <th key={c.name} scope="col" data-align={c.align}>
                {c.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map((c) => (
                <td key={c.name} data-align={c.align}>
                  {c.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
