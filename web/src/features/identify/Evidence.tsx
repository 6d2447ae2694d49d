// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import type { Observation } from '../../api/types';
import { DataList } from '../../components/DataList';
import { Empty } from '../../components/Empty';
import { moment } from '../../lib/format';
import classes from './Evidence.module.css';

/** What each source saw, the newest sighting of each in full. */
export function Evidence({ observations }: { observations: Observation[] }) {
  if (observations.length === 0) return <Empty small title="No sighting is kept" />;
  const newest = [...observations].sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
  const full = new Set<string>();
  return (
    <ul className={classes.evidence}>
      {newest.map((o) => {
        const first = !full.has(o.source);
        full.add(o.source);
        return (
          <li key={o.id}>
            <p className={classes.head}>
              <strong>{o.source}</strong> {o.seen ? 'saw it' : 'looked and did not see it'}, {moment(o.at)}
            </p>
            {first && (
              <>
                {o.evidence.summary && <p className={classes.summary}>{o.evidence.summary}</p>}
                {o.evidence.data && <DataList data={o.evidence.data} />}
              </>
            )}
          </li>
        );
      })}
    </ul>
  );
}
