// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Alert, Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { useMay } from '../api/grants';
import { useCancelImport, useRetryImport } from '../api/mutations';
import { importQuery } from '../api/queries';
import { Page, Panel } from '../components/Page';
import { ProblemText } from '../components/ProblemText';
import { Properties } from '../components/Properties';
import { Waiting } from '../components/Waiting';
import { Runs } from '../features/cycle/Runs';
import { Standing } from '../features/discover/ImportTable';
import { day, duration, known, moment } from '../lib/format';
import { bytes, cancellable, changesSentence, importEnded } from '../lib/imports';
import { useNow } from '../lib/now';

export function Import() {
  const { id } = useParams({ from: '/shell/imports/$id' });
  const query = useQuery(importQuery(id));
  const mayWrite = useMay('write');
  const cancel = useCancelImport();
  const retry = useRetryImport();
  const ended = query.data ? importEnded(query.data) : false;
  const now = useNow(ended ? 60_000 : 1000);
  if (!query.data) return <Waiting query={query} title="Import" />;
  const i = query.data;
  return (
    <Page
      title={i.name}
      back={<Link to="/imports">Imports</Link>}
      lead={<Standing of={i} />}
      tools={
        mayWrite && (
          <>
            {cancellable(i) && (
              <Button variant="default" loading={cancel.isPending} onClick={() => cancel.mutate(i.id)}>
                Cancel
              </Button>
            )}
            {(i.state === 'failed' || i.state === 'cancelled') && (
              <Button loading={retry.isPending} onClick={() => retry.mutate(i.id)}>
                Try again
              </Button>
            )}
          </>
        )
      }
    >
      <ProblemText error={cancel.error ?? retry.error} />
      {i.error && (
        <Alert
          color="wine"
          variant="light"
          title={i.state === 'failed' ? 'Nothing of it was stored' : 'It stands still'}
        >
          {i.field && <strong>{i.field}: </strong>}
          {i.error}
        </Alert>
      )}
      <Panel title="The report">
        <Properties
          rows={[
            ['Changed', i.state === 'done' && changesSentence(i.counts)],
            ['Format', i.format],
            ['Size', bytes(i.size)],
            ['The tool looked on', known(i.looked) && day(i.looked)],
            ['Zone', i.zone],
            ['Asset', i.asset],
            ['Handed in', moment(i.created)],
            ['By', i.actor],
            ['Took', duration(i.created, i.ended, now)],
            ['SHA-256', i.digest && <code className="gy-mono">{i.digest}</code>],
          ]}
        />
      </Panel>
      {i.result && (
        <Panel title="What it brought">
          <Runs runs={[i.result]} now={now} />
        </Panel>
      )}
    </Page>
  );
}
