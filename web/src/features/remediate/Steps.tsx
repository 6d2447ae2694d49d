// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import type { Remedy, Step } from '../../api/types';
import { Command } from '../../components/Command';
import { title } from '../../lib/words';
import classes from './Steps.module.css';

const shownAssets = 8;

/** What to do, platform by platform, in exact commands and configuration. */
export function Steps({ steps }: { steps: Step[] }) {
  return (
    <ol className={classes.steps}>
      {steps.map((s, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: steps have no name of their own and keep their order
        <li key={i} className={classes.step}>
          {s.platform && s.platform !== 'any' && <h3 className={classes.platform}>On {s.platform}</h3>}
          <p className={classes.text}>{s.text}</p>
          {s.config && <Command text={s.config} label="configuration" />}
          {s.commands?.map((c) => (
            <Command key={c} text={c} />
          ))}
          {s.assets && s.assets.length > 0 && (
            <p className={classes.assets}>
              For {s.assets.slice(0, shownAssets).join(', ')}
              {s.assets.length > shownAssets && ` and ${s.assets.length - shownAssets} more`}
            </p>
          )}
        </li>
      ))}
    </ol>
  );
}

/** How changes are made in this scope: a command or a link, as its owner wrote it. */
export function Runbook({ lines }: { lines: string[] | undefined }) {
  if (!lines || lines.length === 0) return null;
  return (
    <div className={classes.runbook} data-testid="runbook">
      <h3 className={classes.platform}>How changes are made here</h3>
      {lines.map((line) =>
        /^https?:\/\/\S+$/.test(line) ? (
          <p key={line}>
            <a href={line} target="_blank" rel="noreferrer">
              {line}
            </a>
          </p>
        ) : (
          <Command key={line} text={line} />
        ),
      )}
    </div>
  );
}

/** What removes one exposure at its place, in a sentence. */
export function remedySentence(remedy: Remedy): string {
  if (remedy.kind === 'upgrade' && remedy.package) {
    const from = remedy.current ? ` from ${remedy.current}` : '';
    if (!remedy.fixed)
      return `No fixed version of ${remedy.package} is published yet (installed: ${remedy.current ?? 'not known'}).`;
    return `Upgrade ${remedy.package}${from} to ${remedy.fixed} or later${remedy.ecosystem ? ` (${remedy.ecosystem})` : ''}.`;
  }
  if (remedy.text) return remedy.text;
  return remedy.kind ? `${title(remedy.kind)} the configuration.` : '';
}

/** The steps that are for one asset; all of them when none names it. */
export function stepsFor(steps: Step[], asset: string): Step[] {
  const own = steps.filter((s) => s.assets?.includes(asset));
  return own.length > 0 ? own : steps;
}
