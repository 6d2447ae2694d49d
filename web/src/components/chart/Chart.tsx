// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { useComputedColorScheme } from '@mantine/core';
import { lazy, type ReactNode, Suspense } from 'react';
import classes from './Chart.module.css';

export type { EChartsCoreOption as ChartOption } from 'echarts/core';

const Canvas = lazy(() => import('./Canvas'));

/** The colours of the theme in force, for what is not drawn by CSS. */
export interface Palette {
  text: string;
  dim: string;
  line: string;
  surface: string;
  done: string;
  live: string;
  good: string;
  bad: string;
  risk: Record<'critical' | 'high' | 'medium' | 'low' | 'minimal', string>;
}

export function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const token = (name: string): string => style.getPropertyValue(`--gy-${name}`).trim();
  return {
    text: token('text'),
    dim: token('dim'),
    line: token('line'),
    surface: token('surface'),
    done: token('done'),
    live: token('live'),
    good: token('good'),
    bad: token('bad'),
    risk: {
      critical: token('risk-critical'),
      high: token('risk-high'),
      medium: token('risk-medium'),
      low: token('risk-low'),
      minimal: token('risk-minimal'),
    },
  };
}

interface ChartProps {
  /** What the picture says, in a sentence. */
  label: string;
  height: number;
  option: (palette: Palette) => import('echarts/core').EChartsCoreOption;
  /** The same as a table, for whoever does not see the picture. */
  table: ReactNode;
}

/** A chart. Its drawing library is loaded when the first one is shown. */
export function Chart({ label, height, option, table }: ChartProps) {
  const scheme = useComputedColorScheme('light');
  return (
    <figure className={classes.figure}>
      <div role="img" aria-label={label} style={{ height }}>
        <Suspense fallback={null}>
          <Canvas key={scheme} option={option} />
        </Suspense>
      </div>
      <details className={classes.details}>
        <summary>As a table</summary>
        <div className={classes.table}>{table}</div>
      </details>
    </figure>
  );
}
