// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import type { Run } from '../../api/types';
import { Empty } from '../../components/Empty';
import { StateWord } from '../../components/StateWord';
import { duration, plural } from '../../lib/format';
import classes from './Cycle.module.css';

/** What each source did in a cycle, what failed, and what it could not look at. */
export function Runs({ runs, now }: { runs: Run[]; now: number }) {
  if (runs.length === 0) return <Empty small title="No run yet" text="Runs appear here as sources start." />;
  return (
    <ul className={classes.runs}>
      {runs.map((r) => (
        <li key={r.id}>
          <div className={classes.runHead}>
            <strong>{r.source}</strong>
            <span className="gy-mono">{r.target}</span>
            <StateWord state={r.status} />
            <span className="gy-dim">{duration(r.started, r.ended, now)}</span>
          </div>
          <div className={classes.counts}>{countsSentence(r.counts)}</div>
          {r.problems && r.problems.length > 0 && (
            <details open={r.problems.length <= 3}>
              <summary>{plural(r.problems.length, 'problem')}, so nothing was closed by this run</summary>
              <ul className={classes.list}>
                {r.problems.map((p) => (
                  <li key={`${p.place} ${p.reason}`}>
                    <span className="gy-mono">{p.place}</span>: {p.reason}
                  </li>
                ))}
              </ul>
            </details>
          )}
          {r.limits && r.limits.length > 0 && (
            <details>
              <summary>Not covered: {plural(r.limits.length, 'place or kind', 'places or kinds')}</summary>
              <ul className={classes.list}>
                {r.limits.map((l) => (
                  <li key={l}>{l}</li>
                ))}
              </ul>
            </details>
          )}
        </li>
      ))}
    </ul>
  );
}

function countsSentence(c: Run['counts']): string {
  const parts = [
    c.assets > 0 && `${plural(c.assets, 'asset')}${c.new_assets > 0 ? ` (${c.new_assets} new)` : ''}`,
    c.components > 0 && plural(c.components, 'component'),
    c.facts > 0 && plural(c.facts, 'fact'),
    c.findings > 0 && plural(c.findings, 'finding'),
    c.created > 0 && `${plural(c.created, 'exposure')} new`,
    c.reopened > 0 && `${c.reopened} reopened`,
    c.closed > 0 && `${c.closed} closed`,
  ].filter(Boolean);
  return parts.length > 0 ? parts.join(', ') : 'brought nothing';
}
