// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { useMemo } from 'react';
import type { Cycle } from '../../api/types';
import { cycleSentence, type StageView, stageViews } from '../../lib/cycle';
import { bladePath, blades } from '../../lib/swirl';
import classes from './Ring.module.css';

interface RingProps {
  cycle: Cycle | undefined;
  /** Width and height in pixels. Under 64 the blades are drawn bold, so that five stay five. */
  size: number;
  /** The stage that the reader points at, drawn at full strength. */
  active?: string | undefined;
}

/** Gyre's signature: five blades of one current, one per stage, that show where the cycle stands. */
export function Ring({ cycle, size, active }: RingProps) {
  const bold = size < 64;
  const shapes = useMemo(() => blades(bold), [bold]);
  const views = stageViews(cycle);
  return (
    <svg
      className={classes.ring}
      width={size}
      height={size}
      viewBox="-110 -110 220 220"
      role="img"
      aria-label={cycleSentence(cycle)}
    >
      {shapes.map((shape, i) => (
        <BladeView
          key={views[i]?.stage}
          view={views[i] as StageView}
          track={bladePath(shape)}
          fill={bladePath(shape, views[i]?.part ?? 1)}
          dimmed={active !== undefined && active !== views[i]?.stage}
        />
      ))}
    </svg>
  );
}

interface BladeViewProps {
  view: StageView;
  track: string;
  fill: string;
  dimmed: boolean;
}

function BladeView({ view, track, fill, dimmed }: BladeViewProps) {
  const unknown = view.look === 'running' && view.part === undefined;
  return (
    <g
      className={classes.blade}
      data-look={view.look}
      data-unknown={unknown || undefined}
      data-dimmed={dimmed || undefined}
    >
      <path className={classes.track} d={track} />
      {fill && <path className={classes.fill} d={fill} />}
    </g>
  );
}
