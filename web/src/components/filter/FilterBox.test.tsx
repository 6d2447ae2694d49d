// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, test, vi } from 'vitest';
import { Problem } from '../../api/client';
import { filterSchemaQuery } from '../../api/queries';
import { show } from '../../test/render';
import { FilterBox } from './FilterBox';

const schema = {
  for: 'exposures',
  fields: [
    { name: 'severity', type: 'severity' as const, doc: 'How bad', values: ['LOW', 'HIGH'], closed: true },
    { name: 'asset.zone', type: 'text' as const, doc: 'Zone', values: ['internet', 'dmz'] },
  ],
  functions: [],
};

function box(value: string, error: Error | null = null) {
  const onChange = vi.fn();
  show(<FilterBox kind="exposures" value={value} onChange={onChange} error={error} />, (queries) =>
    queries.setQueryData(filterSchemaQuery('exposures').queryKey, schema),
  );
  return { onChange, input: screen.getByRole('combobox') };
}

test('a condition is written by keys alone', async () => {
  const { onChange, input } = box('');
  await userEvent.type(input, 'zon{ArrowDown}{Enter}');
  expect(input).toHaveProperty('value', 'asset.zone ');
  await userEvent.type(input, '== "in{ArrowDown}{Enter}');
  expect(input).toHaveProperty('value', 'asset.zone == "internet" ');
  expect(onChange).not.toHaveBeenCalled();
  await userEvent.type(input, '{Enter}');
  expect(onChange).toHaveBeenLastCalledWith('asset.zone == "internet"');
});

test('words become a search', async () => {
  const { onChange, input } = box('');
  await userEvent.type(input, 'log4j{Enter}');
  expect(onChange).toHaveBeenLastCalledWith('search("log4j")');
});

test('what is wrong is named with its place', () => {
  const error = new Problem(422, 'invalid', 'filter:1:6: there is no "sevrity"', [
    { location: 'filter:1:6', message: 'there is no "sevrity"; did you mean "severity"?' },
  ]);
  const { input } = box('true && x', error);
  expect(screen.getByRole('alert').textContent).toContain('Character 6: there is no "sevrity"');
  expect(input.getAttribute('aria-invalid')).toBe('true');
});
