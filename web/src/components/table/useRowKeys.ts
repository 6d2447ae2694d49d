// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { useEffect, useRef, useState } from 'react';

interface Place {
  offset: number;
  cursor: number;
}

/** Where each list was left, so that coming back from a row finds it again. Not server data: positions only. */
const places = new Map<string, Place>();

export const rememberedOffset = (key: string): number => places.get(key)?.offset ?? 0;

export function rememberOffset(key: string, offset: number): void {
  places.set(key, { cursor: -1, ...places.get(key), offset });
}

interface RowKeys<Row> {
  rows: Row[];
  place: string;
  selected?: ReadonlySet<string>;
  onSelect?: (ids: ReadonlySet<string>) => void;
  onOpen: (row: Row) => void;
  show: (index: number) => void;
}

/** True while keys belong to something else: a field, an open dialog or menu. */
function busy(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return true;
  const target = event.target as HTMLElement | null;
  if (
    target?.closest(
      'input:not([type=checkbox]), textarea, select, [contenteditable], [role=dialog], [role=menu]',
    )
  )
    return true;
  return document.querySelector('[role=dialog]') !== null;
}

/** j, k, arrows, Enter, x and Esc for a list. */
export function useRowKeys<Row extends { id: string }>(props: RowKeys<Row>) {
  const { place } = props;
  const [cursor, setCursorState] = useState(() => places.get(place)?.cursor ?? -1);
  const latest = useRef({ ...props, cursor });
  latest.current = { ...props, cursor };

  const setCursor = (index: number) => {
    places.set(place, { offset: 0, ...places.get(place), cursor: index });
    setCursorState(index);
  };
  const move = useRef(setCursor);
  move.current = setCursor;

  useEffect(() => setCursorState(places.get(place)?.cursor ?? -1), [place]);

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (busy(event)) return;
      const { rows, cursor: at, selected, onSelect, onOpen, show } = latest.current;
      const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
      if (step !== undefined) {
        const next = Math.min(rows.length - 1, Math.max(0, at + step));
        event.preventDefault();
        move.current(next);
        show(next);
        return;
      }
      const row = rows[at];
      if (event.key === 'Enter' && row && !(event.target as HTMLElement | null)?.closest('a, button, input'))
        onOpen(row);
      else if (event.key === 'x' && row && onSelect) {
        const next = new Set(selected);
        if (!next.delete(row.id)) next.add(row.id);
        onSelect(next);
      } else if (event.key === 'Escape' && selected && selected.size > 0) onSelect?.(new Set());
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);

  return { cursor, setCursor };
}
