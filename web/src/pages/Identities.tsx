// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { mergesQuery, reviewsQuery } from '../api/queries';
import { Empty } from '../components/Empty';
import { Page, Panel } from '../components/Page';
import { Waiting } from '../components/Waiting';
import { Merges } from '../features/discover/Merges';
import { Reviews } from '../features/discover/Reviews';
import { plural } from '../lib/format';

/** Who is who: what needs a person's answer, and what was made one. */
export function Identities() {
  const reviews = useQuery(reviewsQuery);
  const merges = useQuery(mergesQuery);
  if (!reviews.data) return <Waiting query={reviews} title="Who is who" />;
  if (!merges.data) return <Waiting query={merges} title="Who is who" />;
  const all = reviews.data.items ?? [];
  const open = all.filter((r) => r.state === 'open');
  const settled = all.filter((r) => r.state !== 'open');
  return (
    <Page
      title="Who is who"
      back={<Link to="/assets">Assets</Link>}
      lead={
        <output>
          {open.length === 0 ? 'Nothing waits for an answer' : `${plural(open.length, 'question')} to answer`}
        </output>
      }
    >
      <Panel title="Could be of several assets">
        {open.length > 0 ? (
          <Reviews reviews={open} />
        ) : (
          <Empty
            small
            title="No open question"
            text="When an address or a name fits several assets, it is asked here and not guessed."
          />
        )}
      </Panel>
      <Panel title="Turned out to be one">
        {merges.data.items.length > 0 ? (
          <Merges merges={merges.data.items} />
        ) : (
          <Empty small title="Nothing was merged yet" />
        )}
      </Panel>
      {settled.length > 0 && (
        <Panel title="Answered">
          <Reviews reviews={settled} />
        </Panel>
      )}
    </Page>
  );
}
