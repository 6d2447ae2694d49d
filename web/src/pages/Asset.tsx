// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Button } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useMay } from '../api/grants';
import { assetQuery, exposuresQuery } from '../api/queries';
import type { AssetDetail } from '../api/types';
import { BandWord } from '../components/Band';
import { Empty } from '../components/Empty';
import { Page, Panel } from '../components/Page';
import { Properties } from '../components/Properties';
import split from '../components/Split.module.css';
import { Waiting } from '../components/Waiting';
import { AssetDialog } from '../features/discover/AssetDialog';
import { WhoSaysSo } from '../features/discover/Claims';
import { Components } from '../features/discover/Components';
import { Facts } from '../features/discover/Facts';
import { Relations } from '../features/discover/Relations';
import { ExposureTable } from '../features/identify/ExposureTable';
import { ago, count, moment, plural, points } from '../lib/format';
import { useNow } from '../lib/now';
import { criticalityTitle, title } from '../lib/words';

export function Asset() {
  const { id } = useParams({ from: '/shell/assets/$id' });
  const query = useQuery(assetQuery(id));
  if (!query.data) return <Waiting query={query} title="Asset" />;
  return <AssetView key={id} detail={query.data} />;
}

function AssetView({ detail }: { detail: AssetDetail }) {
  const { asset, exposures } = detail;
  const now = useNow(30_000);
  const mayWrite = useMay('write');
  const [editing, dialog] = useDisclosure(false);
  return (
    <Page
      title={asset.name}
      back={<Link to="/assets">Assets</Link>}
      lead={
        <>
          <span>{title(asset.kind)}</span>
          <span>{asset.zone ? `${title(asset.zone)} zone` : 'Zone not known'}</span>
          <span>
            {points(exposures.risk)} points of risk in {plural(exposures.count, 'active exposure')}
          </span>
          {exposures.max_band && (
            <span>
              worst <BandWord band={exposures.max_band} />
            </span>
          )}
          <span>seen {ago(asset.last_seen, now)}</span>
        </>
      }
      tools={mayWrite && <Button onClick={dialog.open}>Edit asset</Button>}
    >
      <div className={split.split}>
        <div className={split.column}>
          <AssetExposures id={asset.id} />
          <Panel title="What was seen">
            <Facts facts={detail.facts} />
          </Panel>
          <Panel title={`Software (${count(detail.components)})`} flush>
            <Components id={asset.id} />
          </Panel>
        </div>
        <div className={split.column}>
          <Panel title="Identity">
            <Properties
              rows={[
                ...(asset.identifiers ?? []).map((i): [string, ReactNode] => [
                  title(i.type),
                  <span key={i.value} className="gy-mono">
                    {i.value}
                    {i.zone && <span className="gy-dim"> in {i.zone}</span>}
                  </span>,
                ]),
                ['First seen', moment(asset.first_seen)],
                ['Last seen', moment(asset.last_seen)],
              ]}
            />
          </Panel>
          <WhoSaysSo id={asset.id} />
          <Panel title="What the business says">
            <Properties
              rows={[
                ['Criticality', criticalityTitle[asset.criticality]],
                ['Owner', asset.owner || 'nobody said'],
                ['Tags', asset.tags?.join(', ')],
                [
                  'Scopes',
                  detail.scopes.length > 0 ? detail.scopes.map((s) => s.name).join(', ') : 'in none',
                ],
              ]}
            />
          </Panel>
          {Object.keys(asset.attributes ?? {}).length > 0 && (
            <Panel title="What sources say">
              <Properties rows={Object.entries(asset.attributes ?? {}).map(([k, v]) => [title(k), v])} />
            </Panel>
          )}
          <Panel title="Relations">
            <Relations self={asset.id} relations={detail.relations} />
          </Panel>
        </div>
      </div>
      <AssetDialog asset={asset} opened={editing} onClose={dialog.close} />
    </Page>
  );
}

const shown = 25;

function AssetExposures({ id }: { id: string }) {
  const filter = `asset.id == ${JSON.stringify(id)} && state != "fixed"`;
  const query = useInfiniteQuery(exposuresQuery({ filter, sort: '-risk' }));
  const rows = query.data?.pages[0]?.items ?? [];
  return (
    <Panel
      title="Exposures"
      flush
      tools={
        <Link to="/exposures" search={{ filter: `asset.id == ${JSON.stringify(id)}` }}>
          Open as a list
        </Link>
      }
    >
      {rows.length > 0 ? (
        <ExposureTable label="Exposures of this asset" rows={rows.slice(0, shown)} withoutAsset />
      ) : (
        <Empty small title={query.isPending ? 'Loading…' : 'No exposure that is not fixed'} />
      )}
      {rows.length > shown && (
        <p className="gy-remark">
          The worst {shown} of {count(rows.length)}.
        </p>
      )}
    </Panel>
  );
}
