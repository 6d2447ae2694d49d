// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Link } from '@tanstack/react-router';
import type { GyreEvent, Verdict } from '../../api/types';
import { moment } from '../../lib/format';
import { title } from '../../lib/words';
import classes from './History.module.css';

interface Entry {
  key: string;
  at: string;
  what: string;
  why?: string | undefined;
  who: string;
  mark: 'bad' | 'good' | 'plain';
}

/** Every change of an exposure, newest first: what, when, who, why. */
export function History({ events, verdicts }: { events: GyreEvent[]; verdicts: Verdict[] }) {
  const entries: Entry[] = [
    // A verdict is told once, by itself.
    ...events
      .filter((e) => e.kind !== 'verdict')
      .map((e) => ({
        key: `e${e.seq}`,
        at: e.at,
        what: eventSentence(e),
        why: e.reason,
        who: e.actor,
        mark: eventMark(e),
      })),
    ...verdicts.map((v) => ({
      key: `v${v.id}`,
      at: v.at,
      what: `${title(v.method)}: ${title(v.outcome).toLowerCase()}`,
      why: v.evidence.summary,
      who: v.by,
      mark: v.outcome === 'fixed' ? ('good' as const) : ('plain' as const),
    })),
  ].sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
  return (
    <ol className={classes.history}>
      {entries.map((e) => (
        <li key={e.key} data-mark={e.mark}>
          <span className={classes.what}>{e.what}</span>
          {e.why && <span className={classes.why}>{e.why}</span>}
          <span className={classes.who}>
            {moment(e.at)} by <Actor name={e.who} />
          </span>
        </li>
      ))}
    </ol>
  );
}

function Actor({ name }: { name: string }) {
  const run = /^run:(\w+)$/.exec(name)?.[1];
  return run ? <Link to="/cycles">run {run}</Link> : name;
}

function eventSentence(e: GyreEvent): string {
  const from = e.from ? title(e.from) : '';
  const to = e.to ? title(e.to) : '';
  switch (e.kind) {
    case 'created':
      return 'Seen for the first time';
    case 'seen_again':
      return 'Seen again after it was fixed';
    case 'state':
      return from ? `${from} → ${to}` : to;
    case 'action':
      return to ? 'Grouped into an action' : 'Taken out of its action';
    case 'band':
      return from ? `Risk band ${from.toLowerCase()} → ${to.toLowerCase()}` : `Risk band ${to.toLowerCase()}`;
    default:
      return `${title(e.kind)}${from ? ` ${from} →` : ''}${to ? ` ${to}` : ''}`;
  }
}

function eventMark(e: GyreEvent): Entry['mark'] {
  if (e.kind === 'created' || e.kind === 'seen_again' || e.to === 'open') return 'bad';
  return e.to === 'fixed' ? 'good' : 'plain';
}
