// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Button } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { useMay } from '../api/grants';
import { useValidate } from '../api/mutations';
import { exposureQuery } from '../api/queries';
import type { ExposureDetail } from '../api/types';
import { RiskMark } from '../components/Band';
import { Page, Panel } from '../components/Page';
import { ProblemText } from '../components/ProblemText';
import { Properties } from '../components/Properties';
import split from '../components/Split.module.css';
import { StateWord } from '../components/StateWord';
import { Waiting } from '../components/Waiting';
import { Evidence } from '../features/identify/Evidence';
import { History } from '../features/identify/History';
import { StateDialog } from '../features/identify/StateDialog';
import { IntelView, WeaknessView } from '../features/identify/WeaknessView';
import { WhyOne } from '../features/identify/WhyOne';
import { Waterfall } from '../features/prioritize/Waterfall';
import { Runbook, remedySentence, Steps, stepsFor } from '../features/remediate/Steps';
import { Validating, VerdictView } from '../features/validate/VerdictView';
import { ago, day, known, moment, plural, points } from '../lib/format';
import { useNow } from '../lib/now';
import { title } from '../lib/words';

export function Exposure() {
  const { id } = useParams({ from: '/shell/exposures/$id' });
  const query = useQuery(exposureQuery(id));
  if (!query.data) return <Waiting query={query} title="Exposure" />;
  return <ExposureView key={id} detail={query.data} />;
}

function ExposureView({ detail }: { detail: ExposureDetail }) {
  const { exposure, asset, weakness, score, action } = detail;
  const now = useNow(30_000);
  const mayWrite = useMay('write');
  const mayScan = useMay('scan');
  const validate = useValidate();
  const [since, setSince] = useState(0);
  const [changing, dialog] = useDisclosure(false);
  const verdict = validate.data ?? detail.verdicts[0];
  const active = ['open', 'triaged', 'in_remediation', 'fix_claimed'].includes(exposure.state);
  const place = `${exposure.locus || exposure.aspect} on ${asset.name}`;
  return (
    <Page
      title={weakness.title || weakness.key}
      back={<Link to="/exposures">Exposures</Link>}
      lead={
        <>
          <RiskMark risk={score.risk} band={score.band} />
          <StateWord state={exposure.state} />
          <span>{title(exposure.class)}</span>
          <span>
            on{' '}
            <Link to="/assets/$id" params={{ id: asset.id }}>
              {asset.name}
            </Link>
          </span>
          <span className="gy-mono">{exposure.locus}</span>
        </>
      }
      tools={
        <>
          {mayWrite && (
            <Button variant="default" onClick={dialog.open} disabled={exposure.state === 'fixed'}>
              Change state…
            </Button>
          )}
          {mayScan && (
            <Button
              loading={validate.isPending}
              onClick={() => {
                setSince(Date.now());
                validate.mutate(exposure.id);
              }}
            >
              Validate
            </Button>
          )}
        </>
      }
    >
      <div className={split.split}>
        <div className={split.column}>
          {(verdict || validate.isPending || validate.error) && (
            <Panel title="Validation">
              {validate.isPending ? (
                <Validating what={place} since={since} />
              ) : (
                <>
                  <ProblemText error={validate.error} />
                  {verdict && !validate.error && <VerdictView verdict={verdict} />}
                </>
              )}
            </Panel>
          )}
          <Panel title="Why this score">
            <Waterfall score={score} />
            {!active && (
              <p className="gy-dim">
                It is {title(exposure.state).toLowerCase()}, so these points do not count towards the estate’s
                risk.
              </p>
            )}
          </Panel>
          <Panel
            title="What to do"
            tools={
              action && (
                <Link to="/actions/$id" params={{ id: action.id }}>
                  {action.exposures > 0
                    ? `Action: ${plural(action.exposures, 'exposure')}, −${points(action.risk_removed)} points`
                    : 'See the action'}
                </Link>
              )
            }
          >
            <p style={{ marginTop: 0 }}>{remedySentence(exposure.remedy) || weakness.remediation}</p>
            {action && <Steps steps={stepsFor(action.steps, asset.name)} />}
            <Runbook lines={detail.runbook} />
          </Panel>
          <Panel title="Evidence">
            <Evidence observations={detail.observations} />
          </Panel>
          <WhyOne id={exposure.id} />
          <Panel title="History">
            <History events={detail.events} verdicts={detail.verdicts} />
          </Panel>
        </div>
        <div className={split.column}>
          {detail.exception && (
            <Panel title={title(detail.exception.state)}>
              <Properties
                rows={[
                  ['Reason', detail.exception.reason],
                  ['By', `${detail.exception.by}, ${day(detail.exception.created)}`],
                  [
                    'Ends',
                    known(detail.exception.ends) && `${day(detail.exception.ends)}; then it is open again`,
                  ],
                ]}
              />
            </Panel>
          )}
          <Panel title="Where and since when">
            <Properties
              rows={[
                [
                  'Asset',
                  <Link key="a" to="/assets/$id" params={{ id: asset.id }}>
                    {asset.name}
                  </Link>,
                ],
                ['Kind and zone', `${title(asset.kind)}, ${asset.zone || 'zone not known'}`],
                ['Owner', asset.owner || 'nobody said'],
                [
                  'Place',
                  <span key="l" className="gy-mono">
                    {exposure.locus || 'the asset itself'}
                  </span>,
                ],
                ['Seen in', `${title(exposure.aspect)}${exposure.credentialed ? ', with credentials' : ''}`],
                ['First seen', moment(exposure.first_seen)],
                ['Last seen', `${moment(exposure.last_seen)} (${ago(exposure.last_seen, now)})`],
                ['State since', moment(exposure.state_since)],
                ['Fixed', known(exposure.fixed_at) && moment(exposure.fixed_at)],
              ]}
            />
          </Panel>
          <Panel title="Exploitation">
            <IntelView intel={detail.intel} />
          </Panel>
          <Panel title="What is wrong">
            <WeaknessView weakness={weakness} />
          </Panel>
        </div>
      </div>
      <StateDialog ids={[exposure.id]} opened={changing} onClose={dialog.close} />
    </Page>
  );
}
