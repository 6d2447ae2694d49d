// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Checkbox } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { type ColumnDef, type RowData, tableFeatures, useTable } from '@tanstack/react-table';
import { useVirtualizer } from '@tanstack/react-virtual';
import { type ReactNode, useEffect, useRef } from 'react';
import { Empty } from '../Empty';
import { HeaderCell, SortSelect } from './HeaderCell';
import classes from './RowTable.module.css';
import { rememberedOffset, rememberOffset, useRowKeys } from './useRowKeys';

export const features = tableFeatures({});
export type Column<Row extends RowData> = ColumnDef<typeof features, Row>;

/** What a column says of its place and order; the rest of a column is TanStack's. */
export interface ColumnLook {
  /** A track of CSS grid. */
  width: string;
  align?: 'right';
  /** The field that the server sorts by, and which way first. */
  sort?: string;
  first?: 'asc' | 'desc';
}

export interface RowTableProps<Row extends { id: string }> {
  label: string;
  columns: Column<Row>[];
  rows: Row[];
  total: number;
  sort: string;
  onSort: (sort: string) => void;
  onOpen: (row: Row) => void;
  nameOf: (row: Row) => string;
  /** The row on a narrow screen. */
  card: (row: Row) => ReactNode;
  selected?: ReadonlySet<string>;
  onSelect?: (ids: ReadonlySet<string>) => void;
  loading: boolean;
  /** Shown rows belong to the question before. */
  stale: boolean;
  hasMore: boolean;
  onMore: () => void;
  /** Under this key the table keeps its place. */
  place: string;
  empty: ReactNode;
}

const rowHeight = 46;
const cardHeight = 94;

export function RowTable<Row extends { id: string }>(props: RowTableProps<Row>) {
  const { rows, columns, selected, onSelect, hasMore, onMore, place } = props;
  const narrow = useMediaQuery('(max-width: 48em)', false, { getInitialValueInEffect: false });
  const scroller = useRef<HTMLDivElement>(null);
  const table = useTable({ features, columns, data: rows, getRowId: (row: Row) => row.id });
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => (narrow ? cardHeight : rowHeight),
    overscan: 12,
    initialOffset: () => rememberedOffset(place),
    scrollPaddingStart: 40,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the height of rows depends on the width
  useEffect(() => virtual.measure(), [narrow]);

  const { cursor, setCursor } = useRowKeys({
    ...props,
    show: (index) => virtual.scrollToIndex(index, { align: 'auto' }),
  });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (hasMore && last >= rows.length - 40) onMore();
  }, [hasMore, last, rows.length, onMore]);

  const looks = columns.map((c) => c.meta as ColumnLook);
  const template = `${onSelect ? '22px ' : ''}${looks.map((l) => l.width).join(' ')}`;
  const all = rows.length > 0 && rows.every((r) => selected?.has(r.id));
  const toggle = (id: string) => {
    const next = new Set(selected);
    if (!next.delete(id)) next.add(id);
    onSelect?.(next);
  };
  const tableRows = table.getRowModel().rows;

  return (
    <div
      ref={scroller}
      className={classes.scroller}
      tabIndex={0}
      role="region"
      aria-label={props.label}
      onScroll={(e) => rememberOffset(place, e.currentTarget.scrollTop)}
    >
      <div role="table" aria-label={props.label} aria-rowcount={props.total + 1} className={classes.table}>
        <div role="rowgroup" className={classes.head}>
          <div
            role="row"
            aria-rowindex={1}
            className={narrow ? classes.narrowHead : classes.headRow}
            style={narrow ? undefined : { gridTemplateColumns: template }}
          >
            {onSelect && (
              <div role="columnheader" className={classes.cell}>
                <Checkbox
                  size="xs"
                  aria-label="Select all loaded rows"
                  checked={all}
                  indeterminate={!all && (selected?.size ?? 0) > 0}
                  onChange={() => onSelect(all ? new Set() : new Set(rows.map((r) => r.id)))}
                />
              </div>
            )}
            {narrow ? (
              <div role="columnheader">
                <SortSelect columns={columns} sort={props.sort} onSort={props.onSort} />
              </div>
            ) : (
              table.getHeaderGroups()[0]?.headers.map((header, i) => (
                <HeaderCell
                  key={header.id}
                  look={looks[i] as ColumnLook}
                  sort={props.sort}
                  onSort={props.onSort}
                >
                  <table.FlexRender header={header} />
                </HeaderCell>
              ))
            )}
          </div>
        </div>
        <div
          role="rowgroup"
          className={classes.body}
          data-stale={props.stale || undefined}
          style={{ height: virtual.getTotalSize() }}
        >
          {items.map((item) => {
            const row = tableRows[item.index];
            if (!row) return null;
            const picked = selected?.has(row.id) ?? false;
            return (
              // biome-ignore lint/a11y/useKeyWithClickEvents: the row holds a link; the click is a larger target for it
              <div
                key={row.id}
                role="row"
                aria-rowindex={item.index + 2}
                className={narrow ? classes.card : classes.row}
                data-cursor={item.index === cursor || undefined}
                data-selected={picked || undefined}
                style={{
                  ...(narrow ? {} : { gridTemplateColumns: template }),
                  height: item.size,
                  transform: `translateY(${item.start}px)`,
                }}
                onClick={(e) => {
                  if ((e.target as HTMLElement).closest('a, button, input, label')) return;
                  if (window.getSelection()?.toString()) return;
                  setCursor(item.index);
                  props.onOpen(row.original);
                }}
              >
                {onSelect && (
                  <div role="cell" className={classes.cell}>
                    <Checkbox
                      size="xs"
                      aria-label={`Select ${props.nameOf(row.original)}`}
                      checked={picked}
                      onChange={() => toggle(row.id)}
                    />
                  </div>
                )}
                {narrow ? (
                  <div role="cell" className={classes.cardBody}>
                    {props.card(row.original)}
                  </div>
                ) : (
                  row.getAllCells().map((cell, i) => (
                    <div key={cell.id} role="cell" className={classes.cell} data-align={looks[i]?.align}>
                      <table.FlexRender cell={cell} />
                    </div>
                  ))
                )}
              </div>
            );
          })}
        </div>
      </div>
      {rows.length === 0 && (props.loading ? <Empty small title="Loading…" /> : props.empty)}
    </div>
  );
}
