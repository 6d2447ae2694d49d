// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { useCallback } from 'react';
import type { Overview } from '../../api/types';
import { Chart, type Palette } from '../../components/chart/Chart';
import { Empty } from '../../components/Empty';
import { count, day, moment, points } from '../../lib/format';

type Point = Overview['cycles'][number];

/** Risk and active exposures at the end of each cycle: two small pictures over the same cycles. */
export function RiskHistory({ cycles }: { cycles: Point[] }) {
  const option = useCallback((palette: Palette) => historyOption(cycles, palette), [cycles]);
  const last = cycles.at(-1);
  const first = cycles[0];
  if (!first || !last || cycles.length < 2) {
    return (
      <Empty
        small
        title="A trend needs two cycles"
        text={`${cycles.length} of them ended so far. Each adds a point here.`}
      />
    );
  }
  return (
    <Chart
      height={216}
      label={`Risk went from ${points(first.risk)} points on ${day(first.ended)} to ${points(last.risk)} on ${day(last.ended)}; active exposures from ${count(first.exposures)} to ${count(last.exposures)}.`}
      option={option}
      table={
        <table>
          <thead>
            <tr>
              <th>Cycle</th>
              <th>Ended</th>
              <th>Risk, points</th>
              <th>Active exposures</th>
            </tr>
          </thead>
          <tbody>
            {cycles.map((c) => (
              <tr key={c.id}>
                <td>{c.number}</td>
                <td>{moment(c.ended)}</td>
                <td>{points(c.risk)}</td>
                <td>{count(c.exposures)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      }
    />
  );
}

function historyOption(cycles: Point[], p: Palette) {
  const axis = (index: number, name: string) => ({
    type: 'value',
    gridIndex: index,
    name,
    nameLocation: 'end',
    nameGap: 10,
    nameTextStyle: { color: p.dim, align: 'left', padding: [0, 0, 0, -34], fontSize: 12 },
    min: 0,
    splitNumber: 2,
    axisLabel: { color: p.dim, fontSize: 11, formatter: (v: number) => short(v) },
    splitLine: { lineStyle: { color: p.line } },
  });
  const categories = (index: number) => ({
    type: 'category',
    gridIndex: index,
    data: cycles.map((c) => String(c.number)),
    boundaryGap: false,
    axisLabel: {
      color: p.dim,
      fontSize: 11,
      show: index === 1,
      formatter: (n: string) => `cycle ${n}`,
      hideOverlap: true,
    },
    axisLine: { lineStyle: { color: p.line } },
    axisTick: { show: false },
  });
  const line = (index: number, name: string, data: number[], color: string) => ({
    type: 'line',
    name,
    xAxisIndex: index,
    yAxisIndex: index,
    data,
    symbol: 'circle',
    symbolSize: cycles.length > 40 ? 0 : 5,
    showSymbol: true,
    lineStyle: { color, width: 2 },
    itemStyle: { color },
    areaStyle: { color, opacity: 0.1 },
  });
  return {
    grid: [
      { left: 40, right: 26, top: 26, height: 74 },
      { left: 40, right: 26, top: 132, height: 58 },
    ],
    xAxis: [categories(0), categories(1)],
    yAxis: [axis(0, 'Risk, points'), axis(1, 'Active exposures')],
    tooltip: {
      trigger: 'axis',
      backgroundColor: p.surface,
      borderColor: p.line,
      textStyle: { color: p.text, fontSize: 13 },
      formatter: (items: { dataIndex: number }[]) => {
        const c = cycles[items[0]?.dataIndex ?? 0];
        return c
          ? `Cycle ${c.number}, ${moment(c.ended)}<br>${points(c.risk)} points of risk<br>${count(c.exposures)} active exposures`
          : '';
      },
    },
    axisPointer: { link: [{ xAxisIndex: 'all' }] },
    series: [
      line(
        0,
        'Risk',
        cycles.map((c) => Math.round(c.risk * 10) / 10),
        p.risk.high,
      ),
      line(
        1,
        'Active exposures',
        cycles.map((c) => c.exposures),
        p.done,
      ),
    ],
  };
}

function short(n: number): string {
  return n >= 10_000 ? `${Math.round(n / 1000)}k` : count(n);
}
