// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { actionsQuery, overviewQuery, scopesQuery } from '../api/queries';
import { Empty } from '../components/Empty';
import { Page, Panel } from '../components/Page';
import { Waiting } from '../components/Waiting';
import { CycleButtons } from '../features/cycle/StartCycle';
import { Bands } from '../features/overview/Bands';
import { Changes } from '../features/overview/Changes';
import { Feeds, SyncFeeds } from '../features/overview/Feeds';
import { Gyre } from '../features/overview/Gyre';
import classes from '../features/overview/Overview.module.css';
import { RiskHistory } from '../features/overview/RiskHistory';
import { TopActions } from '../features/overview/TopActions';
import { known, moment } from '../lib/format';

export function Overview() {
  const query = useQuery(overviewQuery);
  const { data: actions } = useQuery(actionsQuery(['open', 'in_progress']));
  const { data: scopes } = useQuery(scopesQuery);
  const data = query.data;
  if (!data) return <Waiting query={query} title="Overview" />;
  const { cycle } = data;
  return (
    <Page
      title="Overview"
      lead={known(data.freshness) ? `Looked at last ${moment(data.freshness)}` : undefined}
      tools={<CycleButtons cycle={cycle} />}
    >
      <div className={classes.top}>
        <Panel title="The cycle">
          <Gyre cycle={cycle} tally={data.tally} previous={data.previous} actions={actions?.total} />
          {!cycle && <FirstSteps scopes={scopes?.items.length ?? 0} />}
        </Panel>
        <div className={classes.column}>
          <Panel title="Active exposures by risk band">
            <Bands tally={data.tally} />
          </Panel>
          {cycle && (
            <Panel title="What the latest cycle changed">
              <Changes cycle={cycle} changes={data.changes} />
            </Panel>
          )}
        </div>
      </div>
      <div className={classes.middle}>
        <Panel title="Do this first" flush tools={<Link to="/actions">All actions</Link>}>
          <div className={classes.gap} />
          <TopActions actions={data.top_actions} cycled={cycle !== undefined} />
        </Panel>
        <div className={classes.column}>
          <Panel title="Risk over cycles">
            <RiskHistory cycles={data.cycles} />
          </Panel>
          <Panel title="Intelligence" tools={<SyncFeeds />}>
            {data.feeds.length > 0 ? (
              <Feeds feeds={data.feeds} />
            ) : (
              <Empty small title="No feed is configured" />
            )}
          </Panel>
        </div>
      </div>
    </Page>
  );
}

function FirstSteps({ scopes }: { scopes: number }) {
  return scopes === 0 ? (
    <Empty
      small
      title="Begin with a scope"
      text="A scope says what belongs to you and may be looked at. Nothing outside one is ever touched."
      action={
        <Button component={Link} to="/scopes">
          Write the first scope
        </Button>
      }
    />
  ) : (
    <Empty
      small
      title="No cycle has run yet"
      text="Start one: it looks at everything in your scopes and tells what to do first."
    />
  );
}
