// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useLink } from '../../api/live';
import { overviewQuery } from '../../api/queries';
import { cycleSentence, stageViews } from '../../lib/cycle';
import { ago } from '../../lib/format';
import { useNow } from '../../lib/now';
import { stageTitle } from '../../lib/words';
import { Ring } from '../ring/Ring';
import classes from './Shell.module.css';

/** The ring in small, with where the cycle stands in words, on every page. */
export function CycleStatus() {
  const { data } = useQuery(overviewQuery);
  const link = useLink();
  const now = useNow(30_000);
  const cycle = data?.cycle;
  const running = stageViews(cycle).find((v) => v.look === 'running');
  let words = 'No cycle yet';
  if (cycle?.state === 'running') {
    const part = running?.part === undefined ? '' : ` ${Math.floor(running.part * 100)} %`;
    words = `Cycle ${cycle.number}: ${running ? stageTitle[running.stage] + part : 'starting'}`;
  } else if (cycle) {
    words = `Cycle ${cycle.number} ${cycle.state} ${ago(cycle.ended, now)}`;
  }
  const target = cycle
    ? { to: '/cycles/$id' as const, params: { id: cycle.id } }
    : { to: '/cycles' as const };
  return (
    <>
      <Link {...target} className={classes.status} title={cycleSentence(cycle)}>
        <Ring cycle={cycle} size={26} />
        <span className="gy-ellipsis">{words}</span>
      </Link>
      {link === 'lost' && (
        <output className={classes.lost}>Not connected: what you see may be old. Trying again.</output>
      )}
    </>
  );
}
