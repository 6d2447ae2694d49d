// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { UnstyledButton } from '@mantine/core';
import type { RowData } from '@tanstack/react-table';
import type { ReactNode } from 'react';
import { Icon } from '../Icon';
import type { Column, ColumnLook } from './RowTable';
import classes from './RowTable.module.css';

interface HeaderCellProps {
  look: ColumnLook;
  sort: string;
  onSort: (sort: string) => void;
  children: ReactNode;
}

/** A column's name; a button when the server can sort by it. */
export function HeaderCell({ look, sort, onSort, children }: HeaderCellProps) {
  const field = look.sort;
  const down = sort === `-${field}`;
  const on = field !== undefined && (down || sort === field);
  const order = on ? (down ? 'descending' : 'ascending') : 'none';
  const next = on ? (down ? field : `-${field}`) : `${look.first === 'asc' ? '' : '-'}${field}`;
  return (
    <div
      role="columnheader"
      aria-sort={field ? order : undefined}
      className={classes.cell}
      data-align={look.align}
    >
      {field ? (
        <UnstyledButton className={classes.sort} data-on={on || undefined} onClick={() => onSort(next)}>
          {children}
          {on && <Icon name={down ? 'down' : 'up'} size={11} />}
        </UnstyledButton>
      ) : (
        children
      )}
    </div>
  );
}

interface SortSelectProps<Row extends RowData> {
  columns: Column<Row>[];
  sort: string;
  onSort: (sort: string) => void;
}

/** The order of a list on a narrow screen, where there are no column heads. */
export function SortSelect<Row extends RowData>({ columns, sort, onSort }: SortSelectProps<Row>) {
  const options = columns.flatMap((c) => {
    const look = c.meta as ColumnLook;
    if (!look.sort) return [];
    const name = String(c.header);
    return [
      { value: `-${look.sort}`, label: `${name}, falling` },
      { value: look.sort, label: `${name}, rising` },
    ];
  });
  return (
    <label>
      Order
      <select value={sort} onChange={(e) => onSort(e.currentTarget.value)}>
        {options.map((o) => (
          <option key={o.value} value={o.value}>
            {o.label}
          </option>
        ))}
      </select>
    </label>
  );
}
