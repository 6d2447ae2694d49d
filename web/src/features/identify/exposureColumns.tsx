// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Link } from '@tanstack/react-router';
import type { ExposureRow } from '../../api/types';
import { RiskMark } from '../../components/Band';
import { StateWord } from '../../components/StateWord';
import type { Column, ColumnLook } from '../../components/table/RowTable';
import { ago, count, day, moment, percent } from '../../lib/format';
import { title } from '../../lib/words';
import classes from './Exposures.module.css';

const look = (l: ColumnLook): ColumnLook => l;

/** Below this width of the window the columns that matter least are left out. */
export const roomyWindow = '(min-width: 94em)';

export function exposureColumns(now: number, roomy: boolean): Column<ExposureRow>[] {
  const columns: Column<ExposureRow>[] = [
    {
      id: 'risk',
      header: 'Risk',
      meta: look({ width: '118px', sort: 'risk' }),
      cell: ({ row }) => <RiskMark risk={row.original.risk} band={row.original.band} />,
    },
    {
      id: 'title',
      header: 'Exposure',
      meta: look({ width: 'minmax(210px, 2.6fr)', sort: 'title', first: 'asc' }),
      cell: ({ row }) => <ExposureName row={row.original} />,
    },
    {
      id: 'asset',
      header: 'Asset',
      meta: look({ width: 'minmax(122px, 1fr)', sort: 'asset.name', first: 'asc' }),
      cell: ({ row: { original: e } }) => (
        <>
          <Link to="/assets/$id" params={{ id: e.asset.id }} className={classes.asset} title={e.asset.name}>
            {e.asset.name}
          </Link>
          <div className={classes.second}>
            {title(e.asset.kind)}
            {e.asset.zone && `, ${e.asset.zone}`}
          </div>
        </>
      ),
    },
    {
      id: 'state',
      header: 'State, class',
      meta: look({ width: '112px' }),
      cell: ({ row: { original: e } }) => (
        <>
          <StateWord state={e.state} />
          <div className={classes.second}>{title(e.class)}</div>
        </>
      ),
    },
    {
      id: 'intel',
      header: 'Exploited',
      meta: look({ width: '78px', sort: 'intel.epss' }),
      cell: ({ row: { original: e } }) => <Exploited kev={e.kev} epss={e.epss} />,
    },
    {
      id: 'seen',
      header: 'Last seen',
      meta: look({ width: '78px', sort: 'last_seen' }),
      cell: ({ row: { original: e } }) => <span title={moment(e.last_seen)}>{ago(e.last_seen, now)}</span>,
    },
  ];
  if (!roomy) return columns;
  return [
    ...columns,
    {
      id: 'since',
      header: 'First seen',
      meta: look({ width: '84px', sort: 'first_seen' }),
      cell: ({ row: { original: e } }) => day(e.first_seen),
    },
    {
      id: 'severity',
      header: 'Severity',
      meta: look({ width: '70px', sort: 'severity' }),
      cell: ({ row: { original: e } }) => title(e.severity),
    },
    {
      id: 'sources',
      header: 'Seen by',
      meta: look({ width: '96px' }),
      cell: ({ row: { original: e } }) => (
        <span title={e.sources.join(', ')}>
          {e.sources[0]}
          {e.sources.length > 1 && <span className="gy-dim"> +{count(e.sources.length - 1)}</span>}
        </span>
      ),
    },
  ];
}

export function ExposureName({ row }: { row: ExposureRow }) {
  return (
    <>
      <Link to="/exposures/$id" params={{ id: row.id }} className={classes.name} title={row.title}>
        {row.title}
      </Link>
      <div className={`gy-mono ${classes.second}`} title={`${row.weakness} at ${row.locus}`}>
        {row.weakness}
        {row.locus && <span className={classes.locus}>{row.locus}</span>}
      </div>
    </>
  );
}

function Exploited({ kev, epss }: { kev: boolean; epss: number }) {
  if (!kev && !epss) return <span className="gy-dim">not known</span>;
  return (
    <>
      {kev ? (
        <strong title="Listed in CISA's Known Exploited Vulnerabilities">KEV</strong>
      ) : (
        <span className="gy-dim">not in KEV</span>
      )}
      {epss > 0 && (
        <div className={classes.second} title="Probability of exploitation in the next 30 days (FIRST EPSS)">
          EPSS {percent(epss)}
        </div>
      )}
    </>
  );
}

/** A row on a narrow screen. */
export function ExposureCard({ row, now }: { row: ExposureRow; now: number }) {
  return (
    <>
      <div className={classes.cardTop}>
        <RiskMark risk={row.risk} band={row.band} />
        <StateWord state={row.state} />
      </div>
      <ExposureName row={row} />
      <div className={`${classes.second} gy-ellipsis`}>
        {row.asset.name}
        {row.asset.zone && `, ${row.asset.zone}`}; seen {ago(row.last_seen, now)}
      </div>
    </>
  );
}
