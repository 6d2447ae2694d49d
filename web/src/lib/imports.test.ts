// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { expect, test } from 'vitest';
import { bytes, cancellable, changesSentence, importEnded, share } from './imports';

test('sizes are in the unit that people read them in', () => {
  expect([0, 999, 1500, 57_000_000, 123_456_789, 5e9].map(bytes)).toEqual([
    '0 B',
    '999 B',
    '1.5 kB',
    '57.0 MB',
    '123 MB',
    '5.0 GB',
  ]);
});

test('an import can be cancelled until it is being stored', () => {
  expect(['waiting', 'checking', 'storing', 'done'].map((state) => cancellable({ state }))).toEqual([
    true,
    true,
    false,
    false,
  ]);
  expect(['storing', 'done', 'failed', 'cancelled'].map((state) => importEnded({ state }))).toEqual([
    false,
    true,
    true,
    true,
  ]);
});

test('progress is unknown until the total is, and never above the whole', () => {
  expect(share({ done: 5, total: 0 })).toBeUndefined();
  expect(share({ done: 5, total: 10 })).toBe(0.5);
  expect(share({ done: 12, total: 10 })).toBe(1);
});

test('changes are said in words', () => {
  const none = {
    assets: 3,
    new_assets: 0,
    components: 0,
    facts: 0,
    findings: 9,
    created: 0,
    reopened: 0,
    closed: 0,
  };
  expect(changesSentence(none)).toBe('no change');
  expect(changesSentence({ ...none, new_assets: 1, created: 1200, closed: 2 })).toBe(
    '1 new asset, 1,200 new exposures, 2 closed',
  );
});
