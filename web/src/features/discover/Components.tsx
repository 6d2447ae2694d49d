// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Button } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { componentsQuery } from '../../api/queries';
import { Empty } from '../../components/Empty';
import { SimpleTable } from '../../components/SimpleTable';
import classes from './Components.module.css';

/** Software that was found on an asset, with the file that says so. */
export function Components({ id }: { id: string }) {
  const query = useInfiniteQuery(componentsQuery(id));
  const rows = query.data?.pages.flatMap((p) => p.items) ?? [];
  if (rows.length === 0) {
    return (
      <Empty
        small
        title={query.isPending ? 'Loading…' : 'No software is known'}
        text={
          query.isPending
            ? undefined
            : 'A host inventory or an SBOM brings it: give a scope this asset’s root folder, or import one.'
        }
      />
    );
  }
  return (
    <div className={classes.box}>
      <SimpleTable
        label="Software"
        rows={rows}
        keyOf={(c) => c.id}
        columns={[
          { name: 'Name', cell: (c) => <span className="gy-mono">{c.name}</span> },
          { name: 'Version', cell: (c) => <span className="gy-mono">{c.version}</span> },
          { name: 'Ecosystem', cell: (c) => c.ecosystem },
          { name: 'Found in', cell: (c) => <span className="gy-mono gy-dim">{c.location}</span> },
        ]}
      />
      {query.hasNextPage && (
        <div className={classes.more}>
          <Button
            variant="default"
            loading={query.isFetchingNextPage}
            onClick={() => void query.fetchNextPage()}
          >
            Show more
          </Button>
        </div>
      )}
    </div>
  );
}
