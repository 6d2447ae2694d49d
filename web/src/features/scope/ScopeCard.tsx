// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Button, Group } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useNavigate } from '@tanstack/react-router';
import { useMay } from '../../api/grants';
import { useStartCycle } from '../../api/mutations';
import type { Scope, Target, Window } from '../../api/types';
import { Panel } from '../../components/Page';
import { Properties } from '../../components/Properties';
import { count } from '../../lib/format';
import { criticalityTitle, title } from '../../lib/words';
import classes from './Scope.module.css';

interface ScopeCardProps {
  scope: Scope;
  onEdit: () => void;
  onDelete: () => void;
}

/** What a scope lets Gyre look at, in words. */
export function ScopeCard({ scope, onEdit, onDelete }: ScopeCardProps) {
  const mayWrite = useMay('write');
  const mayScan = useMay('scan');
  const start = useStartCycle();
  const navigate = useNavigate();
  return (
    <Panel
      title={scope.name}
      tools={
        <Group gap={8}>
          {mayWrite && (
            <>
              <Button variant="default" onClick={onDelete} aria-label={`Delete scope ${scope.name}`}>
                Delete
              </Button>
              <Button variant="default" onClick={onEdit} aria-label={`Edit scope ${scope.name}`}>
                Edit
              </Button>
            </>
          )}
          {mayScan && (
            <Button
              loading={start.isPending}
              onClick={() =>
                start.mutate([scope.id], {
                  onSuccess: (cycle) => void navigate({ to: '/cycles/$id', params: { id: cycle.id } }),
                  onError: (e) => notifications.show({ color: 'wine', message: e.message }),
                })
              }
            >
              Start a cycle over it
            </Button>
          )}
        </Group>
      }
    >
      {scope.description && <p className={classes.description}>{scope.description}</p>}
      <div className={classes.columns}>
        <div>
          <h3 className={classes.head}>May be looked at</h3>
          <ul className={classes.targets}>
            {scope.targets.map((t) => (
              <li key={JSON.stringify(t)}>{targetText(t)}</li>
            ))}
          </ul>
          {scope.exclusions && scope.exclusions.length > 0 && (
            <>
              <h3 className={classes.head}>Never touched</h3>
              <ul className={classes.targets}>
                {scope.exclusions.map((e) => (
                  <li key={e} className="gy-mono">
                    {e}
                  </li>
                ))}
              </ul>
            </>
          )}
        </div>
        <Properties
          rows={[
            ['Owner', scope.owner || 'nobody said'],
            ['Intensity', title(scope.intensity || 'normal')],
            ['Hours', hoursText(scope.hours)],
            ['Criticality', scope.criticality ? criticalityTitle[scope.criticality] : undefined],
            ['Worth', scope.worth ? count(scope.worth) : undefined],
            [
              'Risk appetite',
              scope.risk_appetite ? `${scope.risk_appetite} of 100 for a single exposure` : undefined,
            ],
            ['Selector', scope.selector && <code className="gy-mono">{scope.selector}</code>],
            [
              'Inventory',
              scope.inventory?.length
                ? `${count(scope.inventory.length)} known addresses or names`
                : undefined,
            ],
            ['Runbook', scope.runbook && <code className="gy-mono">{scope.runbook}</code>],
          ]}
        />
      </div>
    </Panel>
  );
}

function targetText(t: Target) {
  const zone = t.zone ? ` in zone ${t.zone}` : '';
  const code = (text: string | undefined) => <span className="gy-mono">{text}</span>;
  if (t.cidr)
    return (
      <>
        {code(t.cidr)}
        {zone}, {t.ports ? <>ports {code(t.ports)}</> : 'common ports'}
      </>
    );
  if (t.domain)
    return (
      <>
        domain {code(t.domain)}
        {t.nameserver && <> by {code(t.nameserver)}</>}
      </>
    );
  if (t.root)
    return (
      <>
        {t.root === '/' ? 'this machine, ' : 'root folder '}
        {code(t.root)}
        {t.asset && ` of ${t.asset}`}
        {zone}
      </>
    );
  return (
    <>
      file {code(t.file)}
      {t.format && ` as ${t.format}`}
      {t.asset && ` of ${t.asset}`}
      {zone}
    </>
  );
}

function hoursText(hours: Window[] | undefined): string {
  if (!hours || hours.length === 0) return 'always';
  return hours.map((h) => `${h.days?.length ? h.days.join(', ') : 'daily'} ${h.from}–${h.to} UTC`).join('; ');
}
