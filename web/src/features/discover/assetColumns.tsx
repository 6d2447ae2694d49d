// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Link } from '@tanstack/react-router';
import type { AssetRow } from '../../api/types';
import { BandWord } from '../../components/Band';
import type { Column, ColumnLook } from '../../components/table/RowTable';
import { ago, count, moment, plural, points } from '../../lib/format';
import { criticalityTitle, title } from '../../lib/words';
import classes from '../identify/Exposures.module.css';

const look = (l: ColumnLook): ColumnLook => l;

export function assetColumns(now: number, roomy: boolean): Column<AssetRow>[] {
  const columns: Column<AssetRow>[] = [
    {
      id: 'name',
      header: 'Asset',
      meta: look({ width: 'minmax(180px, 2fr)', sort: 'name', first: 'asc' }),
      cell: ({ row }) => <AssetName row={row.original} />,
    },
    {
      id: 'zone',
      header: 'Zone',
      meta: look({ width: 'minmax(90px, 0.7fr)', sort: 'zone', first: 'asc' }),
      cell: ({ row: { original: a } }) => a.zone || <span className="gy-dim">not known</span>,
    },
    {
      id: 'risk',
      header: 'Risk, points',
      meta: look({ width: '96px', sort: 'risk', align: 'right' }),
      cell: ({ row: { original: a } }) => <strong>{points(a.risk)}</strong>,
    },
    {
      id: 'exposures',
      header: 'Exposures',
      meta: look({ width: '84px', sort: 'exposures', align: 'right' }),
      cell: ({ row: { original: a } }) => count(a.exposures),
    },
    {
      id: 'worst',
      header: 'Worst',
      meta: look({ width: '96px' }),
      cell: ({ row: { original: a } }) =>
        a.max_band ? <BandWord band={a.max_band} /> : <span className="gy-dim">none</span>,
    },
    {
      id: 'criticality',
      header: 'Criticality',
      meta: look({ width: '112px', sort: 'criticality' }),
      cell: ({ row: { original: a } }) => <Criticality value={a.criticality} />,
    },
    {
      id: 'owner',
      header: 'Owner',
      meta: look({ width: 'minmax(90px, 0.7fr)', sort: 'owner', first: 'asc' }),
      cell: ({ row: { original: a } }) => a.owner || <span className="gy-dim">nobody said</span>,
    },
    {
      id: 'seen',
      header: 'Last seen',
      meta: look({ width: '84px', sort: 'last_seen' }),
      cell: ({ row: { original: a } }) => <span title={moment(a.last_seen)}>{ago(a.last_seen, now)}</span>,
    },
  ];
  if (!roomy) return columns;
  return [
    ...columns,
    {
      id: 'tags',
      header: 'Tags',
      meta: look({ width: 'minmax(90px, 0.8fr)' }),
      cell: ({ row: { original: a } }) => a.tags?.join(', ') ?? '',
    },
  ];
}

export function Criticality({ value }: { value: number }) {
  const text = criticalityTitle[value] ?? String(value);
  return value === 0 ? <span className="gy-dim">{text}</span> : <span>{text}</span>;
}

function AssetName({ row }: { row: AssetRow }) {
  return (
    <>
      <Link to="/assets/$id" params={{ id: row.id }} className={classes.name} title={row.name}>
        {row.name}
      </Link>
      <div className={classes.second}>{title(row.kind)}</div>
    </>
  );
}

/** A row on a narrow screen. */
export function AssetCard({ row, now }: { row: AssetRow; now: number }) {
  return (
    <>
      <div className={classes.cardTop}>
        <strong>{points(row.risk)} points</strong>
        {row.max_band ? <BandWord band={row.max_band} /> : <span className="gy-dim">no exposures</span>}
      </div>
      <AssetName row={row} />
      <div className={`${classes.second} gy-ellipsis`}>
        {row.zone || 'zone not known'}, {plural(row.exposures, 'exposure')}; seen {ago(row.last_seen, now)}
      </div>
    </>
  );
}
