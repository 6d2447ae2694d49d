// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { expect, test } from 'vitest';
import { ago, day, duration, known, plural, points, signed } from './format';

const now = Date.parse('2026-03-10T12:00:00Z');

test.each([
  ['2026-03-10T11:59:40Z', 'just now'],
  ['2026-03-10T11:55:00Z', '5 min ago'],
  ['2026-03-10T10:00:00Z', '2 h ago'],
  ['2026-03-01T12:00:00Z', '9 d ago'],
  ['2025-01-01T12:00:00Z', '1 y ago'],
  ['2026-03-12T13:00:00Z', 'in 2 d'],
  ['0001-01-01T00:00:00Z', 'never'],
  [undefined, 'never'],
])('ago(%s)', (time, want) => expect(ago(time, now)).toBe(want));

test.each([
  ['2026-03-10T11:59:59.150Z', undefined, '850 ms'],
  ['2026-03-10T11:59:47.600Z', undefined, '12.4 s'],
  ['2026-03-10T11:00:00Z', '2026-03-10T11:03:05Z', '3 min 05 s'],
  ['2026-03-10T08:00:00Z', '2026-03-10T10:07:00Z', '2 h 07 min'],
  [undefined, undefined, '–'],
])('duration(%s, %s)', (from, to, want) => expect(duration(from, to, now)).toBe(want));

test('numbers say their size and sign', () => {
  expect(points(1842.4)).toBe('1,842');
  expect(points(42.25)).toBe('42.3');
  expect(signed(-312.7)).toBe('−313');
  expect(signed(0.01)).toBe('±0');
  expect(signed(4)).toBe('+4.0');
  expect(plural(1, 'asset')).toBe('1 asset');
  expect(plural(1200, 'asset')).toBe('1,200 assets');
});

test("Go's zero time is never", () => {
  expect(known('0001-01-01T00:00:00Z')).toBe(false);
  expect(day('0001-01-01T00:00:00Z')).toBe('–');
});
