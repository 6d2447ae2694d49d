// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Button } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback, useMemo } from 'react';
import { assetsQuery, reviewsQuery } from '../api/queries';
import type { AssetRow } from '../api/types';
import { Empty } from '../components/Empty';
import { AsOf, PastNote } from '../components/filter/AsOf';
import { FilterBox } from '../components/filter/FilterBox';
import { Page } from '../components/Page';
import { RowTable } from '../components/table/RowTable';
import { AssetCard, assetColumns } from '../features/discover/assetColumns';
import classes from '../features/identify/Exposures.module.css';
import { roomyWindow } from '../features/identify/exposureColumns';
import { count, plural } from '../lib/format';
import { useNow } from '../lib/now';

export function Assets() {
  const search = useSearch({ from: '/shell/assets' });
  const filter = search.filter ?? '';
  const sort = search.sort ?? '-risk';
  const asOf = search.as_of;
  const navigate = useNavigate({ from: '/assets' });
  const now = useNow(60_000);
  const query = useInfiniteQuery(assetsQuery({ filter, sort, asOf }));
  const roomy = useMediaQuery(roomyWindow, true, { getInitialValueInEffect: false });
  const rows = useMemo(() => query.data?.pages.flatMap((p) => p.items) ?? [], [query.data]);
  const columns = useMemo(() => assetColumns(now, roomy), [now, roomy]);
  const { data: reviews } = useQuery(reviewsQuery);
  const open = reviews?.items?.filter((r) => r.state === 'open').length ?? 0;
  const total = query.data?.pages[0]?.total;
  const { fetchNextPage, isFetching } = query;
  const more = useCallback(() => {
    if (!isFetching) void fetchNextPage();
  }, [isFetching, fetchNextPage]);
  const setFilter = (next: string) => void navigate({ search: (old) => ({ ...old, filter: next }) });

  return (
    <Page
      title="Assets"
      fixed
      tools={
        <Button component={Link} to="/identities" variant="default">
          Who is who{open > 0 && `: ${plural(open, 'question')}`}
        </Button>
      }
      lead={
        total !== undefined && (
          <output>
            <strong>{count(total)}</strong> {total === 1 ? 'asset' : 'assets'}{' '}
            {asOf && <PastNote day={asOf} />}
          </output>
        )
      }
    >
      <div className={classes.bar}>
        <FilterBox kind="assets" value={filter} onChange={setFilter} error={query.error} />
        <AsOf
          value={asOf}
          onChange={(as_of) =>
            void navigate({ search: ({ as_of: _, ...old }) => ({ ...old, ...(as_of && { as_of }) }) })
          }
        />
      </div>
      <RowTable<AssetRow>
        label="Assets"
        place={`assets ${filter} ${sort} ${asOf ?? ''}`}
        columns={columns}
        rows={rows}
        total={total ?? 0}
        sort={sort}
        onSort={(next) => void navigate({ search: (old) => ({ ...old, sort: next }) })}
        nameOf={(a) => a.name}
        onOpen={(a) => void navigate({ to: '/assets/$id', params: { id: a.id } })}
        card={(a) => <AssetCard row={a} now={now} />}
        loading={query.isPending}
        stale={query.isPlaceholderData || query.isError}
        hasMore={query.hasNextPage}
        onMore={more}
        empty={
          query.error ? (
            <Empty small title="The list cannot be shown" text={query.error.message} />
          ) : filter ? (
            <Empty
              small
              title="No asset passes this filter"
              text={<code className="gy-mono">{filter}</code>}
            />
          ) : (
            <Empty
              small
              title="No assets yet"
              text={
                <>
                  Assets come from cycles over your <Link to="/scopes">scopes</Link>, and from reports brought
                  in with gyre import.
                </>
              }
            />
          )
        }
      />
    </Page>
  );
}
