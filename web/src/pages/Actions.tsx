// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { SegmentedControl } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { actionsQuery } from '../api/queries';
import type { Action } from '../api/types';
import { Empty } from '../components/Empty';
import { Page } from '../components/Page';
import { Waiting } from '../components/Waiting';
import { ActionList } from '../features/remediate/ActionList';
import { plural, points } from '../lib/format';
import { useNow } from '../lib/now';

const toDo = 'to_do';

const states: Record<string, Action['state'][]> = {
  [toDo]: ['open', 'in_progress'],
  done: ['done'],
  verified: ['verified'],
  dismissed: ['dismissed'],
};

const views = [
  { value: toDo, label: 'To do' },
  { value: 'done', label: 'Done, not proven' },
  { value: 'verified', label: 'Verified' },
  { value: 'dismissed', label: 'Dismissed' },
];

export function Actions() {
  const search = useSearch({ from: '/shell/actions' });
  const state = search.state && states[search.state] ? search.state : toDo;
  const navigate = useNavigate({ from: '/actions' });
  const query = useQuery(actionsQuery(states[state] ?? []));
  const now = useNow(60_000);
  if (!query.data) return <Waiting query={query} title="Actions" />;
  const { items } = query.data;
  const sum = items.reduce((s, a) => s + a.risk_removed, 0);
  return (
    <Page
      title="Actions"
      lead={
        <output>
          {plural(items.length, 'action')} that {items.length === 1 ? 'removes' : 'remove'} {points(sum)}{' '}
          points of risk, most first
        </output>
      }
      tools={
        <SegmentedControl
          aria-label="Which actions"
          data={views}
          value={state}
          onChange={(next) => void navigate({ search: next === toDo ? {} : { state: next } })}
        />
      }
    >
      {items.length > 0 ? <ActionList actions={items} now={now} /> : <NoActions state={state} />}
    </Page>
  );
}

function NoActions({ state }: { state: string }) {
  if (state !== toDo) return <Empty title="None" text="No action is in this state." />;
  return (
    <Empty
      title="Nothing to do"
      text={
        <>
          Gyre groups exposures into actions at the end of each cycle. If none has run yet, start one on the{' '}
          <Link to="/">overview</Link>.
        </>
      }
    />
  );
}
