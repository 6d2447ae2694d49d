// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { useMay } from '../api/grants';
import { actionQuery } from '../api/queries';
import type { ActionDetail } from '../api/types';
import { Empty } from '../components/Empty';
import { Page, Panel } from '../components/Page';
import { Properties } from '../components/Properties';
import split from '../components/Split.module.css';
import { StateWord } from '../components/StateWord';
import { Waiting } from '../components/Waiting';
import { ExposureTable } from '../features/identify/ExposureTable';
import { ActionForm } from '../features/remediate/ActionForm';
import { Runbook, Steps } from '../features/remediate/Steps';
import { SweepView } from '../features/validate/SweepView';
import { useValidateAll } from '../features/validate/useValidateAll';
import { count, moment, plural, points } from '../lib/format';

export function Action() {
  const { id } = useParams({ from: '/shell/actions/$id' });
  const query = useQuery(actionQuery(id));
  if (!query.data) return <Waiting query={query} title="Action" />;
  return <ActionView key={id} detail={query.data} />;
}

const shown = 50;

function ActionView({ detail }: { detail: ActionDetail }) {
  const { action, exposures } = detail;
  const mayScan = useMay('scan');
  const { sweep, start, stop } = useValidateAll();
  const active = exposures.filter((e) => e.state !== 'fixed');
  return (
    <Page
      title={action.title}
      back={<Link to="/actions">Actions</Link>}
      lead={
        <>
          <StateWord state={action.state} />
          <span>
            removes <strong>{points(action.risk_removed)} points</strong> of risk
          </span>
          <span>
            {plural(action.exposures, 'exposure')} on {plural(action.assets, 'asset')}
          </span>
        </>
      }
      tools={
        mayScan && (
          <Button
            loading={sweep?.running}
            disabled={active.length === 0}
            onClick={() => void start(active.map((e) => e.id))}
          >
            {active.length <= 1 ? 'Validate' : `Validate all ${count(active.length)}`}
          </Button>
        )
      }
    >
      <div className={split.split}>
        <div className={split.column}>
          {sweep && (
            <Panel title="Validation">
              <SweepView sweep={sweep} onStop={stop} />
            </Panel>
          )}
          <Panel title="What to do">
            {action.steps.length > 0 ? (
              <Steps steps={action.steps} />
            ) : (
              <Empty small title="No exact steps are known" text="The exposures below say what was found." />
            )}
            <Runbook lines={detail.runbook} />
          </Panel>
          <Panel
            title="What it removes"
            flush
            tools={
              <Link to="/exposures" search={{ filter: `action == ${JSON.stringify(action.key)}` }}>
                Open as a list
              </Link>
            }
          >
            {exposures.length > 0 ? (
              <ExposureTable label="Exposures that this action removes" rows={exposures.slice(0, shown)} />
            ) : (
              <Empty small title="Nothing is left: every exposure of this action is closed." />
            )}
            {exposures.length > shown && (
              <p className="gy-remark">
                The worst {shown} of {count(action.exposures)}.
              </p>
            )}
          </Panel>
        </div>
        <div className={split.column}>
          <Panel title="Who and until when">
            <ActionForm key={action.updated} action={action} />
          </Panel>
          <Panel title="About">
            <Properties
              rows={[
                [
                  'Key',
                  <span key="k" className="gy-mono">
                    {action.key}
                  </span>,
                ],
                ['Since', moment(action.created)],
                ['Changed', moment(action.updated)],
              ]}
            />
          </Panel>
        </div>
      </div>
    </Page>
  );
}
