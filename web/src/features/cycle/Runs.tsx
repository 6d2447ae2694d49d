// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import type { Run } from '../../api/types';
import { Empty } from '../../components/Empty';
import { StateWord } from '../../components/StateWord';
import { duration, plural } from '../../lib/format';
import { groupRuns, type RunGroup } from '../../lib/runs';
import classes from './Cycle.module.css';

/** What each source did in a cycle, what failed, and what it could not look at. */
export function Runs({ runs, now }: { runs: Run[]; now: number }) {
  if (runs.length === 0) return <Empty small title="No run yet" text="Runs appear here as sources start." />;
  return (
    <ul className={classes.runs}>
      {groupRuns(runs).map((group) => (
        <li key={group.source}>
          {group.runs.length === 1 && group.runs[0] ? (
            <RunView run={group.runs[0]} now={now} named />
          ) : (
            <Group group={group} now={now} />
          )}
        </li>
      ))}
    </ul>
  );
}

function Group({ group, now }: { group: RunGroup; now: number }) {
  const odd = group.runs.filter((r) => r.status !== 'succeeded');
  return (
    <>
      <div className={classes.runHead}>
        <strong>{group.source}</strong>
        <span>{plural(group.runs.length, 'run')}</span>
        {odd.length === 0 ? (
          <StateWord state="succeeded" />
        ) : (
          <span>{odd.length} of them did not succeed</span>
        )}
      </div>
      <div className={classes.counts}>{countsSentence(group.counts)}</div>
      {odd.map((r) => (
        <RunView key={r.id} run={r} now={now} />
      ))}
      <details>
        <summary>{odd.length === 0 ? 'Each run' : 'The others'}</summary>
        {group.runs
          .filter((r) => r.status === 'succeeded')
          .map((r) => (
            <RunView key={r.id} run={r} now={now} />
          ))}
      </details>
    </>
  );
}

function RunView({ run: r, now, named }: { run: Run; now: number; named?: boolean }) {
  return (
    <div className={named ? undefined : classes.run}>
      <div className={classes.runHead}>
        {named && <strong>{r.source}</strong>}
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
    </div>
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
