// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { BarChart, LineChart } from 'echarts/charts';
import { GridComponent, TooltipComponent } from 'echarts/components';
import { type EChartsCoreOption, type EChartsType, init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { useEffect, useRef } from 'react';
import { type Palette, readPalette } from './Chart';
import classes from './Chart.module.css';

use([LineChart, BarChart, GridComponent, TooltipComponent, SVGRenderer]);

const reducedMotion = () => window.matchMedia('(prefers-reduced-motion: reduce)').matches;

export default function Canvas({ option }: { option: (palette: Palette) => EChartsCoreOption }) {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<EChartsType>(null);

  useEffect(() => {
    if (!box.current) return;
    const made = init(box.current, undefined, { renderer: 'svg' });
    chart.current = made;
    const observer = new ResizeObserver(() => made.resize());
    observer.observe(box.current);
    return () => {
      observer.disconnect();
      made.dispose();
    };
  }, []);

  useEffect(() => {
    const palette = readPalette();
    chart.current?.setOption(
      {
        animation: !reducedMotion(),
        animationDuration: 350,
        textStyle: { fontFamily: "'Archivo Variable', system-ui, sans-serif", color: palette.text },
        ...option(palette),
      },
      { notMerge: true },
    );
  }, [option]);

  return <div ref={box} className={classes.canvas} />;
}
