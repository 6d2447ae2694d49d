// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import classes from './FilterBox.module.css';

interface FilterErrorProps {
  id: string;
  filter: string;
  /** From 1. */
  column: number | undefined;
  message: string;
}

/** Names what is wrong with a filter and points at the place. */
export function FilterError({ id, filter, column, message }: FilterErrorProps) {
  const at = column === undefined ? -1 : Math.min(column - 1, filter.length);
  const part = /^[\w.]+|^\S/.exec(filter.slice(at))?.[0] ?? '';
  return (
    <div id={id} role="alert" className={classes.error}>
      {at >= 0 && (
        <code className={classes.place}>
          {filter.slice(0, at)}
          <mark>{part || '⏎'}</mark>
          {filter.slice(at + part.length)}
        </code>
      )}
      <span>
        {column !== undefined && <strong>Character {column}: </strong>}
        {message}
      </span>
    </div>
  );
}
