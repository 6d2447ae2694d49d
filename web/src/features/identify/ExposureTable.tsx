// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Link } from '@tanstack/react-router';
import type { ExposureRow } from '../../api/types';
import { RiskMark } from '../../components/Band';
import { SimpleTable } from '../../components/SimpleTable';
import { StateWord } from '../../components/StateWord';
import classes from './Exposures.module.css';
import { ExposureName } from './exposureColumns';

interface ExposureTableProps {
  label: string;
  rows: ExposureRow[];
  /** Leaves out the asset, on its own page. */
  withoutAsset?: boolean;
}

/** A few exposures inside another page. */
export function ExposureTable({ label, rows, withoutAsset }: ExposureTableProps) {
  return (
    <SimpleTable
      label={label}
      rows={rows}
      keyOf={(e) => e.id}
      columns={[
        { name: 'Risk', cell: (e) => <RiskMark risk={e.risk} band={e.band} /> },
        {
          name: 'Exposure',
          cell: (e) => (
            <div className={classes.wrap}>
              <ExposureName row={e} />
            </div>
          ),
        },
        ...(withoutAsset
          ? []
          : [
              {
                name: 'Asset',
                cell: (e: ExposureRow) => (
                  <Link to="/assets/$id" params={{ id: e.asset.id }} className={classes.asset}>
                    {e.asset.name}
                  </Link>
                ),
              },
            ]),
        { name: 'State', cell: (e) => <StateWord state={e.state} /> },
      ]}
    />
  );
}
