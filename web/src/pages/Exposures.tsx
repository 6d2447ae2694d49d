// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Button, Drawer } from '@mantine/core';
import { useDisclosure, useMediaQuery } from '@mantine/hooks';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback, useMemo, useState } from 'react';
import { useMay } from '../api/grants';
import { exposureFacets, exposuresQuery, filterSchemaQuery } from '../api/queries';
import type { ExposureRow } from '../api/types';
import { Empty } from '../components/Empty';
import { AsOf, PastNote } from '../components/filter/AsOf';
import { Facets } from '../components/filter/Facets';
import { FilterBox } from '../components/filter/FilterBox';
import { SavedFilters } from '../components/filter/SavedFilters';
import { Icon } from '../components/Icon';
import { Page } from '../components/Page';
import { RowTable } from '../components/table/RowTable';
import classes from '../features/identify/Exposures.module.css';
import { ExposureCard, exposureColumns, roomyWindow } from '../features/identify/exposureColumns';
import { NoExposures } from '../features/identify/NoExposures';
import { StateDialog } from '../features/identify/StateDialog';
import { count, moment, plural, points } from '../lib/format';
import { useNow } from '../lib/now';

/** What the list shows when its address says nothing: everything that is not fixed. */
const defaultFilter = 'state != "fixed"';
const defaultSort = '-risk';

export function Exposures() {
  const search = useSearch({ from: '/shell/exposures' });
  const filter = search.filter ?? defaultFilter;
  const sort = search.sort ?? defaultSort;
  const asOf = search.as_of;
  const navigate = useNavigate({ from: '/exposures' });
  const now = useNow(60_000);
  const mayWrite = useMay('write');
  const query = useInfiniteQuery(exposuresQuery({ filter, sort, asOf }));
  const { data: schema } = useQuery(filterSchemaQuery('exposures'));
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [changing, dialog] = useDisclosure(false);
  const [facetsOpen, facetsDrawer] = useDisclosure(false);
  const wide = useMediaQuery('(min-width: 75em)', true, { getInitialValueInEffect: false });

  const roomy = useMediaQuery(roomyWindow, true, { getInitialValueInEffect: false });

  const rows = useMemo(() => query.data?.pages.flatMap((p) => p.items) ?? [], [query.data]);
  const columns = useMemo(() => exposureColumns(now, roomy), [now, roomy]);
  const first = query.data?.pages[0];
  const { fetchNextPage, isFetching } = query;
  const more = useCallback(() => {
    if (!isFetching) void fetchNextPage();
  }, [isFetching, fetchNextPage]);

  const setFilter = (next: string) => {
    setSelected(new Set());
    void navigate({ search: (old) => ({ ...old, filter: next }) });
  };
  const facets = (
    <Facets
      facets={first?.facets ?? {}}
      names={exposureFacets}
      fields={schema?.fields ?? []}
      filter={filter}
      onChange={setFilter}
    />
  );

  return (
    <Page
      title="Exposures"
      fixed
      lead={first && <Status total={first.total} risk={first.risk} freshAt={first.fresh_at} past={asOf} />}
    >
      <div className={classes.bar}>
        <FilterBox kind="exposures" value={filter} onChange={setFilter} error={query.error} />
        <SavedFilters filter={filter} onChange={setFilter} />
        <AsOf
          value={asOf}
          onChange={(as_of) => {
            setSelected(new Set());
            void navigate({ search: ({ as_of: _, ...old }) => ({ ...old, ...(as_of && { as_of }) }) });
          }}
        />
        {!wide && (
          <Button
            variant="default"
            size="sm"
            leftSection={<Icon name="facets" size={14} />}
            onClick={facetsDrawer.open}
          >
            Facets
          </Button>
        )}
      </div>
      <div className={classes.split} data-plain={!wide || undefined}>
        {wide && (
          // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
          <aside className={classes.side} aria-label="Facets" tabIndex={0}>
            {facets}
          </aside>
        )}
        <div className={classes.list}>
          {selected.size > 0 && (
            <section className={classes.bulk} aria-label="Selection">
              <strong>{plural(selected.size, 'exposure')} selected</strong>
              <Button onClick={dialog.open}>Change state…</Button>
              <Button variant="default" onClick={() => setSelected(new Set())}>
                Clear selection
              </Button>
            </section>
          )}
          <RowTable<ExposureRow>
            label="Exposures"
            place={`exposures ${filter} ${sort} ${asOf ?? ''}`}
            columns={columns}
            rows={rows}
            total={first?.total ?? 0}
            sort={sort}
            onSort={(next) => void navigate({ search: (old) => ({ ...old, sort: next }) })}
            nameOf={(e) => `${e.title} on ${e.asset.name}`}
            onOpen={(e) => void navigate({ to: '/exposures/$id', params: { id: e.id } })}
            card={(e) => <ExposureCard row={e} now={now} />}
            {...(mayWrite && !asOf && { selected, onSelect: setSelected })}
            loading={query.isPending}
            stale={query.isPlaceholderData || query.isError}
            hasMore={query.hasNextPage}
            onMore={more}
            empty={
              query.error ? (
                <Empty small title="The list cannot be shown" text={query.error.message} />
              ) : (
                <NoExposures filter={filter} onChange={setFilter} />
              )
            }
          />
        </div>
      </div>
      <Drawer
        opened={facetsOpen && !wide}
        onClose={facetsDrawer.close}
        title="Facets"
        position="right"
        size={280}
      >
        {facets}
      </Drawer>
      <StateDialog
        ids={[...selected]}
        opened={changing}
        onClose={dialog.close}
        onDone={() => setSelected(new Set())}
      />
    </Page>
  );
}

interface StatusProps {
  total: number;
  risk: number;
  freshAt: string;
  past: string | undefined;
}

function Status({ total, risk, freshAt, past }: StatusProps) {
  return (
    <output className={classes.status}>
      <span>
        <strong>{count(total)}</strong> {total === 1 ? 'exposure' : 'exposures'}
      </span>
      <span>
        <strong>{points(risk)}</strong> points of risk
      </span>
      {past ? <PastNote day={past} /> : <span>as of {moment(freshAt)}</span>}
    </output>
  );
}
