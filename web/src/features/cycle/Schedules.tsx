// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Button, Group } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useMay } from '../../api/grants';
import { useDeleteSchedule, usePatchSchedule } from '../../api/mutations';
import { schedulesQuery, scopesQuery } from '../../api/queries';
import type { Schedule } from '../../api/types';
import { Empty } from '../../components/Empty';
import { Panel } from '../../components/Page';
import { ProblemText } from '../../components/ProblemText';
import { SimpleTable } from '../../components/SimpleTable';
import { StateWord } from '../../components/StateWord';
import { ago, known, moment, none } from '../../lib/format';
import { useNow } from '../../lib/now';
import { scheduleDoes } from '../../lib/schedules';
import classes from '../discover/Imports.module.css';
import { ScheduleDialog } from './ScheduleDialog';

/** What is done again and again, and what became of its last time. */
export function Schedules() {
  const may = useMay('scan');
  const { data, error } = useQuery(schedulesQuery);
  const { data: scopes } = useQuery(scopesQuery);
  const [adding, setAdding] = useState(false);
  const now = useNow(30_000);
  const names = new Map(scopes?.items.map((s) => [s.id, s.name]));
  return (
    <Panel
      title="Again and again"
      flush
      tools={
        may && (
          <Button variant="default" onClick={() => setAdding(true)}>
            New schedule
          </Button>
        )
      }
    >
      <ProblemText error={error} />
      {data && data.items.length > 0 ? (
        <SimpleTable
          label="Schedules"
          rows={data.items}
          keyOf={(s) => s.id}
          columns={[
            { name: 'Schedule', cell: (s) => <strong>{s.name}</strong> },
            { name: 'Does', cell: (s) => <Does schedule={s} names={names} /> },
            { name: 'When, in UTC', cell: (s) => <code>{s.when}</code> },
            { name: 'Next', cell: (s) => <Next schedule={s} now={now} /> },
            { name: 'Last', cell: (s) => <span className="gy-num">{moment(s.last)}</span> },
            { name: 'By', cell: (s) => s.actor },
            { name: 'Do', cell: (s) => <Buttons schedule={s} /> },
          ]}
        />
      ) : (
        <Empty small title="No schedule" text="Cycles run when somebody starts them." />
      )}
      <ScheduleDialog opened={adding} onClose={() => setAdding(false)} />
    </Panel>
  );
}

function Does({ schedule, names }: { schedule: Schedule; names: Map<string, string> }) {
  return (
    <div className={classes.name}>
      {scheduleDoes(schedule, names)}
      {schedule.problem && (
        <div className={classes.examples}>The last time brought nothing: {schedule.problem}</div>
      )}
    </div>
  );
}

function Next({ schedule, now }: { schedule: Schedule; now: number }) {
  if (schedule.paused) return <StateWord state="paused" />;
  if (!known(schedule.next)) return none;
  return (
    <span className="gy-num" title={moment(schedule.next)}>
      {ago(schedule.next, now)}
    </span>
  );
}

function Buttons({ schedule }: { schedule: Schedule }) {
  const may = useMay('scan');
  const patch = usePatchSchedule();
  const remove = useDeleteSchedule();
  if (!may) return none;
  return (
    <>
      <Group gap={6} wrap="nowrap">
        <Button
          variant="default"
          aria-label={`${schedule.paused ? 'Resume' : 'Pause'} schedule ${schedule.name}`}
          loading={patch.isPending}
          onClick={() => patch.mutate({ id: schedule.id, body: { paused: !schedule.paused } })}
        >
          {schedule.paused ? 'Resume' : 'Pause'}
        </Button>
        <Button
          variant="default"
          aria-label={`Remove schedule ${schedule.name}`}
          loading={remove.isPending}
          onClick={() => remove.mutate(schedule.id)}
        >
          Remove
        </Button>
      </Group>
      <ProblemText error={patch.error ?? remove.error} />
    </>
  );
}
