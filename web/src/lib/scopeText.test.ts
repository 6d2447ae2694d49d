// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { expect, test } from 'vitest';
import { parseScope, scopeYaml } from './scopeText';

const scope = {
  name: 'shop',
  owner: 'web team',
  targets: [{ cidr: '10.1.0.0/24', zone: 'dmz', ports: '80,443' }, { domain: 'shop.example' }],
  exclusions: ['10.1.0.9'],
  intensity: 'gentle' as const,
};

test('a scope survives YAML', () => {
  expect(parseScope(scopeYaml(scope))).toEqual({ scope });
});

test('empty values are not written', () => {
  expect(scopeYaml({ name: 'a', targets: [], worth: 0, description: '' })).toBe('name: a\n');
});

test('what is no scope is refused with its place', () => {
  expect(parseScope('name: [1, 2')).toHaveProperty('error', expect.stringContaining('line 1'));
  expect(parseScope('- a')).toHaveProperty('error');
  expect(parseScope('')).toHaveProperty('error');
});
