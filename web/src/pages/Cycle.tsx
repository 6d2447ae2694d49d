// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { cycleQuery, cyclesQuery } from '../api/queries';
import type { Cycle as CycleData } from '../api/types';
import { Page, Panel } from '../components/Page';
import { Ring } from '../components/ring/Ring';
import { StateWord } from '../components/StateWord';
import { Waiting } from '../components/Waiting';
import classes from '../features/cycle/Cycle.module.css';
import { Moved } from '../features/cycle/CycleTable';
import { Diff } from '../features/cycle/Diff';
import { Runs } from '../features/cycle/Runs';
import { Stages } from '../features/cycle/Stages';
import { CycleButtons } from '../features/cycle/StartCycle';
import { count, duration, moment, points } from '../lib/format';
import { useNow } from '../lib/now';

export function Cycle() {
  const { id } = useParams({ from: '/shell/cycles/$id' });
  const query = useQuery(cycleQuery(id));
  const { data: all } = useQuery(cyclesQuery);
  const running = query.data?.cycle.state === 'running';
  const now = useNow(running ? 1000 : 60_000);
  if (!query.data) return <Waiting query={query} title="Cycle" />;
  const { cycle, runs } = query.data;
  const cycles = all?.items ?? [];
  const previous = cycles.find((c) => c.number < cycle.number && c.state === 'finished');
  const newest = cycles[0]?.id === cycle.id;
  return (
    <Page
      title={`Cycle ${cycle.number}`}
      back={<Link to="/cycles">Cycles</Link>}
      lead={
        <>
          <StateWord state={cycle.state} />
          <span>
            started {moment(cycle.started)} by {cycle.trigger}
          </span>
          <span>
            {running ? 'running for' : 'took'} {duration(cycle.started, cycle.ended, now)}
          </span>
        </>
      }
      tools={newest && <CycleButtons cycle={cycle} />}
    >
      {cycle.error && <Panel title="Why it failed">{cycle.error}</Panel>}
      <Panel title="Stages">
        <div className={classes.hero}>
          <Ring cycle={cycle} size={190} />
          <div className={classes.heroText}>
            <Numbers cycle={cycle} />
            <Stages cycle={cycle} now={now} />
          </div>
        </div>
      </Panel>
      <Panel title={`Runs (${count(runs.length)})`} flush>
        <Runs runs={runs} now={now} />
      </Panel>
      {!running && previous && <Diff cycle={cycle} previous={previous} />}
    </Page>
  );
}

function Numbers({ cycle }: { cycle: CycleData }) {
  const { before, after } = cycle;
  const running = cycle.state === 'running';
  return (
    <dl className={classes.tallies}>
      <div>
        <dt>Risk, points</dt>
        <dd>
          {running ? points(before.risk) : points(after.risk)}
          <small>
            {running ? (
              'at the start'
            ) : (
              <>
                from {points(before.risk)}: <Moved by={after.risk - before.risk} />
              </>
            )}
          </small>
        </dd>
      </div>
      <div>
        <dt>New</dt>
        <dd>
          {count(cycle.created)}
          <small>exposures</small>
        </dd>
      </div>
      <div>
        <dt>Reopened</dt>
        <dd>
          {count(cycle.reopened)}
          <small>exposures</small>
        </dd>
      </div>
      <div>
        <dt>Closed</dt>
        <dd>
          {count(cycle.closed)}
          <small>by evidence</small>
        </dd>
      </div>
    </dl>
  );
}
