// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useMay } from '../api/grants';
import { useCancelJob, useRetryJob } from '../api/mutations';
import { jobsQuery, workersQuery } from '../api/queries';
import type { Job, Worker } from '../api/types';
import { Empty } from '../components/Empty';
import { Page, Panel } from '../components/Page';
import { ProblemText } from '../components/ProblemText';
import { SimpleTable } from '../components/SimpleTable';
import { StateWord } from '../components/StateWord';
import { Waiting } from '../components/Waiting';
import { Schedules } from '../features/cycle/Schedules';
import classes from '../features/discover/Imports.module.css';
import { ago, duration, moment, none, plural } from '../lib/format';
import { jobEnded, jobShare } from '../lib/jobs';
import { useNow } from '../lib/now';
import { title } from '../lib/words';

/** What Gyre is doing, what waits, and what failed for good and waits for a person. */
export function Jobs() {
  const query = useQuery(jobsQuery);
  const { data: workers } = useQuery(workersQuery);
  const jobs = query.data?.items ?? [];
  const now = useNow(jobs.every((j) => jobEnded(j)) ? 30_000 : 1000);
  if (!query.data) return <Waiting query={query} title="Jobs" />;
  const dead = jobs.filter((j) => j.state === 'failed');
  const moving = jobs.filter((j) => !jobEnded(j));
  const ended = jobs.filter((j) => jobEnded(j) && j.state !== 'failed');
  return (
    <Page
      title="Jobs"
      lead={
        <output>
          {plural(moving.length, 'job')} under way or waiting, {dead.length} failed for good
        </output>
      }
    >
      {dead.length > 0 && (
        <Panel title="Failed for good: look, mend, run again" flush>
          <JobTable label="Jobs that failed" jobs={dead} now={now} />
        </Panel>
      )}
      <Panel title="Under way and waiting" flush>
        {moving.length > 0 ? (
          <JobTable label="Jobs under way" jobs={moving} now={now} />
        ) : (
          <Empty small title="Nothing waits" />
        )}
      </Panel>
      {ended.length > 0 && (
        <Panel title="Ended" flush>
          <JobTable label="Jobs that ended" jobs={ended} now={now} />
        </Panel>
      )}
      <Schedules />
      <Panel title="Who works" flush>
        <Workers workers={workers?.items ?? []} now={now} />
      </Panel>
    </Page>
  );
}

function JobTable({ label, jobs, now }: { label: string; jobs: Job[]; now: number }) {
  return (
    <SimpleTable
      label={label}
      rows={jobs}
      keyOf={(j) => j.id}
      columns={[
        { name: 'Job', cell: (j) => <strong>{title(j.kind)}</strong> },
        { name: 'State', cell: (j) => <Standing job={j} /> },
        { name: 'What', cell: (j) => <What job={j} /> },
        { name: 'By', cell: (j) => j.actor },
        { name: 'Asked for', cell: (j) => <span className="gy-num">{moment(j.created)}</span> },
        { name: 'Took', align: 'right', cell: (j) => duration(j.started, j.ended, now) },
        { name: 'Attempt', align: 'right', cell: (j) => `${j.attempt} of ${j.attempts}` },
        { name: 'Do', cell: (j) => <Buttons job={j} /> },
      ]}
    />
  );
}

function Standing({ job }: { job: Job }) {
  const part = jobShare(job);
  return (
    <>
      <StateWord state={job.state} />
      {job.state === 'running' && part !== undefined && (
        <span className={classes.track}>
          <span
            className={classes.fill}
            style={{ width: `${part * 100}%` }}
            role="progressbar"
            aria-label={`${job.kind}, ${job.note ?? ''}`}
            aria-valuenow={Math.round(part * 100)}
          />
        </span>
      )}
    </>
  );
}

function What({ job }: { job: Job }) {
  const why = job.errors?.at(-1);
  return (
    <div className={classes.name}>
      {job.note || job.name || none}
      {why && job.state !== 'done' && <div className={classes.examples}>{why.text}</div>}
    </div>
  );
}

function Buttons({ job }: { job: Job }) {
  const mayWrite = useMay('write');
  const cancel = useCancelJob();
  const retry = useRetryJob();
  if (!mayWrite) return none;
  return (
    <>
      {!jobEnded(job) && (
        <Button
          variant="default"
          aria-label={`Cancel ${job.kind} of ${moment(job.created)}`}
          loading={cancel.isPending}
          onClick={() => cancel.mutate(job.id)}
        >
          Cancel
        </Button>
      )}
      {(job.state === 'failed' || job.state === 'cancelled') && (
        <Button
          variant="default"
          aria-label={`Run ${job.kind} of ${moment(job.created)} again`}
          loading={retry.isPending}
          onClick={() => retry.mutate(job.id)}
        >
          Run again
        </Button>
      )}
      <ProblemText error={cancel.error ?? retry.error} />
    </>
  );
}

function Workers({ workers, now }: { workers: Worker[]; now: number }) {
  if (workers.length === 0) {
    return (
      <Empty
        small
        title="Nobody works"
        text="Jobs wait until gyre serve runs with --workers above 0, or gyre worker runs beside it."
      />
    );
  }
  return (
    <SimpleTable
      label="Workers"
      rows={workers}
      keyOf={(w) => w.id}
      columns={[
        { name: 'Host', cell: (w) => w.host },
        { name: 'Process', align: 'right', cell: (w) => w.pid },
        { name: 'Version', cell: (w) => w.version },
        {
          name: 'Takes jobs from',
          cell: (w) => (w.queues.length > 0 ? w.queues.join(', ') : 'nothing: it only serves'),
        },
        { name: 'Zones', cell: (w) => w.zones?.join(', ') || none },
        { name: 'Started', cell: (w) => <span className="gy-num">{moment(w.started)}</span> },
        { name: 'Seen', cell: (w) => ago(w.seen, now) },
      ]}
    />
  );
}
