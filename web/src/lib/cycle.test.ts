// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, test } from 'vitest';
import type { Cycle } from '../api/types';
import { cycleSentence, stageViews } from './cycle';
import { bladePath, blades } from './swirl';

function cycle(stages: Cycle['stages'], state: Cycle['state'] = 'running'): Cycle {
  const tally = { assets: 0, exposures: 0, risk: 0 };
  return {
    id: '0000000000001',
    number: 3,
    state,
    trigger: 'test',
    started: '2026-03-10T12:00:00Z',
    stages,
    before: tally,
    after: tally,
    created: 0,
    reopened: 0,
    closed: 0,
  };
}

describe('stageViews', () => {
  test('five stages even before anything ran', () => {
    expect(stageViews(undefined).map((v) => v.look)).toEqual(Array(5).fill('waiting'));
  });
  test('progress, unknown totals and failure', () => {
    const views = stageViews(
      cycle([
        { stage: 'discover', state: 'done', done: 3, total: 3 },
        { stage: 'identify', state: 'running', done: 1, total: 4 },
        { stage: 'prioritize', state: 'running', done: 0, total: 0 },
        { stage: 'remediate', state: 'failed', done: 0, total: 0 },
      ]),
    );
    expect(views.map((v) => v.part)).toEqual([1, 0.25, undefined, 0, 0]);
    expect(views.map((v) => v.look)).toEqual(['done', 'running', 'running', 'failed', 'waiting']);
  });
});

test('a cycle in words', () => {
  expect(cycleSentence(undefined)).toBe('No cycle has run yet.');
  expect(cycleSentence(cycle([{ stage: 'identify', state: 'running', done: 1, total: 4 }]))).toContain(
    'identify is running',
  );
  expect(cycleSentence(cycle([], 'finished'))).toBe('Cycle 3 finished.');
});

test('blades grow with their part and stay inside the ring', () => {
  const [blade] = blades();
  if (!blade) throw new Error('no blade');
  expect(bladePath(blade, 0)).toBe('');
  expect(bladePath(blade, 0.5).length).toBeLessThan(bladePath(blade, 1).length);
  const radii = [...bladePath(blade, 1).matchAll(/(-?[\d.]+) (-?[\d.]+)/g)].map((m) =>
    Math.hypot(Number(m[1]), Number(m[2])),
  );
  expect(Math.max(...radii)).toBeLessThanOrEqual(108);
  expect(Math.min(...radii)).toBeGreaterThan(70);
});
