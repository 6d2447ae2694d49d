// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { expect, test } from 'vitest';
import { waterfall } from './waterfall';

test('each bar begins where the one before ended', () => {
  const bars = waterfall([40, 30, -20, 10]);
  expect(bars.map((b) => b.start)).toEqual([0, 40, 50, 50]);
  expect(bars.map((b) => b.width)).toEqual([40, 30, 20, 10]);
  expect(bars.map((b) => b.falls)).toEqual([false, false, true, false]);
  expect(bars.at(-1)?.total).toBe(60);
});

test('a running total above 100 stretches the scale, below 0 is cut', () => {
  const bars = waterfall([150, -50]);
  expect(bars[0]).toMatchObject({ start: 0, width: 100 });
  expect(bars[1]?.total).toBeCloseTo(66.67, 1);
  expect(waterfall([-10, 20])[0]).toMatchObject({ start: 0, width: 0 });
});
