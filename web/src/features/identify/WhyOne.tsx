// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { useQuery } from '@tanstack/react-query';
import { explanationQuery } from '../../api/queries';
import { Panel } from '../../components/Page';
import { SimpleTable } from '../../components/SimpleTable';
import { none, plural } from '../../lib/format';
import { title } from '../../lib/words';
import identity from '../discover/Identity.module.css';
import { Merges } from '../discover/Merges';

/** Why the sightings of several tools are one exposure: what each called it, and what ties them. */
export function WhyOne({ id }: { id: string }) {
  const { data } = useQuery(explanationQuery(id));
  if (!data || (data.sources.length < 2 && data.merges.length === 0)) return null;
  return (
    <Panel title={`${plural(data.sources.length, 'source')}, one exposure`}>
      <p style={{ marginTop: 0 }}>{data.correlation}</p>
      <SimpleTable
        label="What each source says"
        rows={data.sources}
        keyOf={(s) => `${s.source} ${s.run}`}
        columns={[
          { name: 'Source', cell: (s) => s.source },
          { name: 'Calls it', cell: (s) => <span className="gy-mono">{s.weakness || none}</span> },
          { name: 'At', cell: (s) => <span className="gy-mono">{s.locus || none}</span> },
          { name: 'Rates it', cell: (s) => title(s.severity) },
          { name: 'Now', cell: (s) => (s.seen ? 'sees it' : 'no longer') },
        ]}
      />
      {data.ties.length > 0 && (
        <ul className={identity.list}>
          {data.ties.map((t) => (
            <li key={`${t.name} ${t.other} ${t.source}`} className={identity.why}>
              {t.name} is {t.other}: {t.by} {t.source}
            </li>
          ))}
        </ul>
      )}
      {data.merges.length > 0 && <Merges merges={data.merges} />}
    </Panel>
  );
}
