// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import type { Verdict } from '../../api/types';
import { DataList } from '../../components/DataList';
import { Icon, type IconName } from '../../components/Icon';
import { moment } from '../../lib/format';
import { useNow } from '../../lib/now';
import { title } from '../../lib/words';
import classes from './Verdict.module.css';

const words: Record<string, { icon: IconName; text: string }> = {
  fixed: { icon: 'check', text: 'Fixed: the place was looked at again, and the weakness is not there.' },
  still_there: {
    icon: 'cross',
    text: 'Still there: the place was looked at again, and the weakness is there.',
  },
  inconclusive: {
    icon: 'warning',
    text: 'Inconclusive: the place could not be looked at, so nothing changed.',
  },
};

/** What a validation found, with its evidence. */
export function VerdictView({ verdict }: { verdict: Verdict }) {
  const w = words[verdict.outcome];
  return (
    <div className={classes.verdict} data-outcome={verdict.outcome} data-testid="verdict">
      <p className={classes.outcome}>
        <Icon name={w?.icon ?? 'warning'} />
        {w?.text ?? title(verdict.outcome)}
      </p>
      <p className={classes.evidence}>{verdict.evidence.summary}</p>
      {verdict.evidence.data && <DataList data={verdict.evidence.data} />}
      <p className={classes.by}>
        {title(verdict.method)} by {verdict.by}, {moment(verdict.at)}
      </p>
    </div>
  );
}

/** A validation under way. It ends within a minute. */
export function Validating({ what, since }: { what: string; since: number }) {
  const now = useNow(500);
  return (
    <output className={classes.validating}>
      <span className={classes.sweep} aria-hidden />
      Looking again at {what}: {Math.max(0, Math.round((now - since) / 1000))} s of at most 60.
    </output>
  );
}
