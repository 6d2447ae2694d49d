// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { useId, useMemo } from 'react';
import type { Cycle } from '../../api/types';
import { cycleSentence, type StageView, stageViews } from '../../lib/cycle';
import { type Blade, bladeEnds, bladePath, blades } from '../../lib/swirl';
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
          shape={shape}
          bold={bold}
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
  shape: Blade;
  bold: boolean;
  track: string;
  fill: string;
  dimmed: boolean;
}

function BladeView({ view, shape, bold, track, fill, dimmed }: BladeViewProps) {
  const gradient = useId();
  const [tail, head] = bladeEnds(shape);
  const unknown = view.look === 'running' && view.part === undefined;
  return (
    <g
      className={classes.blade}
      data-look={view.look}
      data-unknown={unknown || undefined}
      data-dimmed={dimmed || undefined}
    >
      {!bold && (
        // From faint at the tail to full at the head, so that the ring reads as a current.
        <linearGradient
          id={gradient}
          gradientUnits="userSpaceOnUse"
          x1={tail.x}
          y1={tail.y}
          x2={head.x}
          y2={head.y}
        >
          <stop offset="0" stopColor="currentColor" stopOpacity="0.3" />
          <stop offset="0.75" stopColor="currentColor" />
        </linearGradient>
      )}
      <path className={classes.track} d={track} />
      {fill && <path className={classes.fill} d={fill} fill={bold ? 'currentColor' : `url(#${gradient})`} />}
    </g>
  );
}
