// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { type ReactNode, useEffect } from 'react';
import classes from './Page.module.css';

interface PageProps {
  title: string;
  /** What stands above the title: where one came from. */
  back?: ReactNode;
  /** What stands below the title. */
  lead?: ReactNode;
  tools?: ReactNode;
  children: ReactNode;
  /** The page fills the window and scrolls inside itself. */
  fixed?: boolean;
}

export function Page({ title, back, lead, tools, children, fixed }: PageProps) {
  useEffect(() => {
    document.title = `${title} · Gyre`;
  }, [title]);
  return (
    <div className={classes.page} data-fixed={fixed || undefined}>
      <header className={classes.head}>
        <div className={classes.titles}>
          {back && <div className={classes.back}>{back}</div>}
          <h1 className={classes.title}>{title}</h1>
          {lead && <div className={classes.lead}>{lead}</div>}
        </div>
        {tools && <div className={classes.tools}>{tools}</div>}
      </header>
      {children}
    </div>
  );
}

interface PanelProps {
  title: ReactNode;
  tools?: ReactNode;
  children: ReactNode;
  /** The content touches the panel's edges. */
  flush?: boolean;
  id?: string;
}

export function Panel({ title, tools, children, flush, id }: PanelProps) {
  return (
    <section className={classes.panel} id={id}>
      <div className={classes.panelHead}>
        <h2 className={classes.panelTitle}>{title}</h2>
        {tools}
      </div>
      <div className={flush ? undefined : classes.panelBody}>{children}</div>
    </section>
  );
}
