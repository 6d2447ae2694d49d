// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Button } from '@mantine/core';
import { useMay } from '../../api/grants';
import { useSyncFeeds } from '../../api/mutations';
import type { FeedStatus } from '../../api/types';
import { Icon } from '../../components/Icon';
import { ProblemText } from '../../components/ProblemText';
import { ago, count, day, known } from '../../lib/format';
import { useNow } from '../../lib/now';
import classes from './Feeds.module.css';

/** How fresh the intelligence is, and what nobody can know while it is not. */
export function Feeds({ feeds }: { feeds: FeedStatus[] }) {
  const now = useNow(60_000);
  return (
    <ul className={classes.feeds}>
      {feeds.map((f) => (
        <li key={f.name} data-bad={f.error || f.missing ? true : undefined}>
          <span className={classes.name}>
            {(f.error || f.missing) && <Icon name="warning" size={15} />}
            {f.title}
          </span>
          <span className={classes.facts}>
            {known(f.last_sync)
              ? `data of ${day(f.data_date ?? f.last_sync)}, ${count(f.records)} records, synced ${ago(f.last_sync, now)}`
              : 'never synced'}
          </span>
          {f.missing && <span className={classes.missing}>{f.missing}</span>}
          {f.error && <span className={classes.error}>{f.error}</span>}
        </li>
      ))}
    </ul>
  );
}

export function SyncFeeds() {
  const may = useMay('scan');
  const sync = useSyncFeeds();
  if (!may) return null;
  return (
    <>
      <Button variant="default" onClick={() => sync.mutate()} loading={sync.isPending}>
        Sync now
      </Button>
      <ProblemText error={sync.error} />
    </>
  );
}
