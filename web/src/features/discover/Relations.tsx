// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Link } from '@tanstack/react-router';
import type { AssetDetail } from '../../api/types';
import { Properties } from '../../components/Properties';
import { title } from '../../lib/words';

/** Edges to other assets, read from this one. */
export function Relations({ self, relations }: { self: string; relations: AssetDetail['relations'] }) {
  if (relations.length === 0) return <p className="gy-dim">None is known.</p>;
  return (
    <Properties
      rows={relations.map((r) => {
        const out = r.from.id === self;
        const other = out ? r.to : r.from;
        return [
          out ? title(r.type) : `${title(r.type)} (from)`,
          <Link key={`${r.type}${other.id}`} to="/assets/$id" params={{ id: other.id }}>
            {other.name}
          </Link>,
        ];
      })}
    />
  );
}
