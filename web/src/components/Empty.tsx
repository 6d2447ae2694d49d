// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import type { ReactNode } from 'react';
import classes from './Empty.module.css';

interface EmptyProps {
  title: string;
  text?: ReactNode;
  action?: ReactNode;
  /** Inside a panel instead of a whole page. */
  small?: boolean;
}

/** Nothing to show: says why, and what to do. */
export function Empty({ title, text, action, small }: EmptyProps) {
  return (
    <div className={classes.empty} data-small={small || undefined}>
      <p className={classes.title}>{title}</p>
      {text && <div className={classes.text}>{text}</div>}
      {action && <div className={classes.action}>{action}</div>}
    </div>
  );
}
