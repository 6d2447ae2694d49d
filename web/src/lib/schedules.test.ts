// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { expect, test } from 'vitest';
import { scheduleDoes } from './schedules';

test('what a schedule does is said in words', () => {
  const names = new Map([
    ['1', 'shop'],
    ['2', 'iac'],
  ]);
  expect(scheduleDoes({ kind: 'sync' }, names)).toBe('Sync of every feed');
  expect(scheduleDoes({ kind: 'sync', feed: 'kev' }, names)).toBe('Sync of kev');
  expect(scheduleDoes({ kind: 'cycle' }, names)).toBe('Cycle over every scope');
  expect(scheduleDoes({ kind: 'cycle', scopes: ['2'] }, names)).toBe('Cycle over iac');
  expect(scheduleDoes({ kind: 'cycle', scopes: ['1', '2', '3'] }, names)).toBe(
    'Cycle over shop, iac and a scope that is gone',
  );
});
