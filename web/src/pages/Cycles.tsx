// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { cyclesQuery } from '../api/queries';
import { Empty } from '../components/Empty';
import { Page, Panel } from '../components/Page';
import { Waiting } from '../components/Waiting';
import { CycleTable } from '../features/cycle/CycleTable';
import { CycleButtons } from '../features/cycle/StartCycle';
import { plural } from '../lib/format';
import { useNow } from '../lib/now';

export function Cycles() {
  const query = useQuery(cyclesQuery);
  const cycles = query.data?.items ?? [];
  const running = cycles.some((c) => c.state === 'running');
  const now = useNow(running ? 1000 : 60_000);
  if (!query.data) return <Waiting query={query} title="Cycles" />;
  return (
    <Page
      title="Cycles"
      lead={<output>{plural(cycles.length, 'cycle')}, newest first</output>}
      tools={<CycleButtons cycle={cycles[0]} />}
    >
      {cycles.length > 0 ? (
        <Panel title="Every pass through the stages" flush>
          <CycleTable cycles={cycles} now={now} />
        </Panel>
      ) : (
        <Empty
          title="No cycle has run yet"
          text={
            <>
              A cycle discovers, identifies, prioritizes, plans and validates everything in your{' '}
              <Link to="/scopes">scopes</Link>. Start one with the button above, or with gyre cycle run.
            </>
          }
        />
      )}
    </Page>
  );
}
