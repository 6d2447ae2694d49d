// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { useQuery } from '@tanstack/react-query';
import { diffQuery } from '../../api/queries';
import type { Cycle, ExposureRow } from '../../api/types';
import { Empty } from '../../components/Empty';
import { Panel } from '../../components/Page';
import { count, points } from '../../lib/format';
import { ExposureTable } from '../identify/ExposureTable';
import { Moved } from './CycleTable';

const shown = 30;

/** What changed from the end of one cycle to the end of another. */
export function Diff({ cycle, previous }: { cycle: Cycle; previous: Cycle }) {
  const { data, error } = useQuery(diffQuery(cycle.id, previous.id));
  if (error) return <Empty small title="The difference cannot be shown" text={error.message} />;
  if (!data) return null;
  const lists: [string, ExposureRow[]][] = [
    ['New', data.created],
    ['Reopened', data.reopened],
    ['Closed', data.closed],
  ];
  const nothing = lists.every(([, rows]) => rows.length === 0);
  return (
    <>
      <Panel title={`Against cycle ${previous.number}`}>
        Risk went from {points(data.risk.from)} to <strong>{points(data.risk.to)} points</strong>:{' '}
        <Moved by={data.risk.to - data.risk.from} />.{nothing && ' No exposure came or went.'}
      </Panel>
      {lists.map(
        ([name, rows]) =>
          rows.length > 0 && (
            <Panel key={name} flush title={`${name} (${count(rows.length)})`}>
              <ExposureTable label={`${name} exposures`} rows={rows.slice(0, shown)} />
              {rows.length > shown && (
                <p className="gy-remark">
                  The first {shown} of {count(rows.length)}.
                </p>
              )}
            </Panel>
          ),
      )}
    </>
  );
}
