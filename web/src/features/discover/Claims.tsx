// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { useQuery } from '@tanstack/react-query';
import { identityQuery } from '../../api/queries';
import { Panel } from '../../components/Page';
import { day, plural } from '../../lib/format';
import { title } from '../../lib/words';
import classes from './Identity.module.css';
import { Merges } from './Merges';

const shown = 12;

/** Why an asset is one: who claimed which identifiers, and what was merged. */
export function WhoSaysSo({ id }: { id: string }) {
  const { data } = useQuery(identityQuery(id));
  if (!data || data.claims.length === 0) return null;
  const claims = data.claims.slice(0, shown);
  return (
    <Panel title="Who says that this is one asset">
      <ul className={classes.list}>
        {claims.map((c) => (
          <li key={c.id}>
            <strong>{c.source}</strong>{' '}
            <span className="gy-mono">
              {c.identifiers.map((i) => `${title(i.type)} ${i.value}`).join(', ')}
            </span>
            <div className={classes.why}>
              {day(c.first_seen) === day(c.last_seen)
                ? day(c.last_seen)
                : `${day(c.first_seen)} to ${day(c.last_seen)}`}
            </div>
          </li>
        ))}
      </ul>
      {data.claims.length > shown && (
        <p className={classes.why}>and {plural(data.claims.length - shown, 'older claim')}</p>
      )}
      {data.rules.map((r) => (
        <p key={r.id} className={classes.why}>
          {r.actor} ruled on {day(r.at)}: {r.kind === 'same' ? 'these are one' : 'kept apart'}
          {r.reason && `, ${r.reason}`}
        </p>
      ))}
      {data.merges.length > 0 && <Merges merges={data.merges} />}
    </Panel>
  );
}
