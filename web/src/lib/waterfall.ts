// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

export interface WaterfallBar {
  /** Percent of the scale at which the bar begins, from the left. */
  start: number;
  width: number;
  /** Percent of the scale at which the running total stands after it. */
  total: number;
  falls: boolean;
}

/** Where each contribution stands on a scale from 0 to 100, each beginning where the one before ended. */
export function waterfall(contributions: readonly number[]): WaterfallBar[] {
  let running = 0;
  const ends = contributions.map((c) => {
    running += c;
    return running;
  });
  const top = Math.max(100, ...ends);
  const place = (v: number): number => (Math.min(top, Math.max(0, v)) / top) * 100;
  return ends.map((end, i) => {
    const from = place(end - (contributions[i] ?? 0));
    const to = place(end);
    return { start: Math.min(from, to), width: Math.abs(to - from), total: to, falls: to < from };
  });
}
