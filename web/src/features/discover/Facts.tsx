// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import type { AssetDetail } from '../../api/types';
import { DataList } from '../../components/DataList';
import { Empty } from '../../components/Empty';
import { plural } from '../../lib/format';
import { title } from '../../lib/words';
import classes from './Facts.module.css';

type Fact = AssetDetail['facts'][number];

/** What runs saw on an asset, by aspect and place. */
export function Facts({ facts }: { facts: Fact[] }) {
  if (facts.length === 0)
    return <Empty small title="No facts yet" text="A cycle over its scope collects them." />;
  const aspects = group(facts);
  return [...aspects].map(([aspect, list]) => (
    <details key={aspect} className={classes.aspect} open={facts.length <= 12}>
      <summary>
        {title(aspect)} <span className="gy-dim">{plural(list.length, 'place')}</span>
      </summary>
      {list.map((f) => (
        <div key={f.locus} className={classes.fact}>
          <h3 className={classes.locus}>
            {f.locus || 'the asset itself'}
            {f.credentialed && <span className="gy-dim"> with credentials</span>}
          </h3>
          <DataList data={f.data} />
        </div>
      ))}
    </details>
  ));
}

function group(facts: Fact[]): Map<string, Fact[]> {
  const by = new Map<string, Fact[]>();
  for (const f of facts) by.set(f.aspect, [...(by.get(f.aspect) ?? []), f]);
  return by;
}
