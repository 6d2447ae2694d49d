// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import type { CSSVariablesResolver } from '@mantine/core';

/** Points Mantine's own surfaces, borders and dimmed text at the tokens in tokens.css. */
export const resolver: CSSVariablesResolver = () => {
  const shared = {
    '--mantine-color-body': 'var(--gy-surface)',
    '--mantine-color-text': 'var(--gy-text)',
    '--mantine-color-dimmed': 'var(--gy-dim)',
    '--mantine-color-placeholder': 'var(--gy-dim)',
    '--mantine-color-default-border': 'var(--gy-line-2)',
    '--mantine-color-error': 'var(--gy-bad)',
    '--mantine-color-default-hover': 'var(--gy-hover)',
    '--mantine-color-default': 'var(--gy-surface)',
  };
  return {
    variables: {},
    light: { ...shared, '--mantine-color-anchor': '#0a625f' },
    dark: { ...shared, '--mantine-color-anchor': '#6fc7bf' },
  };
};
