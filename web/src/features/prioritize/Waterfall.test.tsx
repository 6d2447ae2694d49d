// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { screen, within } from '@testing-library/react';
import { expect, test } from 'vitest';
import type { Score } from '../../api/types';
import { show } from '../../test/render';
import { Waterfall } from './Waterfall';

const score: Score = {
  risk: 61.5,
  band: 'high',
  likelihood: 0.82,
  impact: 0.75,
  factors: [
    {
      key: 'base_rate',
      label: 'Base rate',
      value: '0.1',
      source: 'Gyre',
      part: 'likelihood',
      contribution: 10,
    },
    {
      key: 'kev',
      label: 'Listed in KEV',
      value: 'yes',
      source: 'CISA KEV',
      part: 'likelihood',
      contribution: 56.5,
    },
    {
      key: 'credentials',
      label: 'Needs credentials',
      value: 'yes',
      source: 'check',
      part: 'likelihood',
      contribution: -5,
    },
  ],
};

test('the picture is a table: each reason with its source and points, and the sum', () => {
  show(<Waterfall score={score} />);
  const rows = screen.getAllByRole('row');
  expect(rows).toHaveLength(5);
  expect(within(rows[2] as HTMLElement).getByText('+56.5')).toBeTruthy();
  expect(rows[2]?.textContent).toContain('from CISA KEV');
  expect(within(rows[3] as HTMLElement).getByText('−5.0')).toBeTruthy();
  expect(rows[4]?.textContent).toContain('61.5');
  expect(rows[4]?.textContent).toContain('High');
});
