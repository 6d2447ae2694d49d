// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { execFileSync } from 'node:child_process';
import { dirname } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';

export const screens = '../artifacts/screens';

/** Axe finds nothing serious or critical on the page as it is now. */
export async function expectAccessible(page: Page, what: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const bad = violations
    .filter((v) => v.impact === 'serious' || v.impact === 'critical')
    .map((v) => `${v.id}: ${v.help}: ${v.nodes.map((n) => n.target.join(' ')).join(' | ')}`);
  expect(bad, what).toEqual([]);
}

/** The page has no horizontal scroll bar of its own. */
export async function expectFits(page: Page, what: string): Promise<void> {
  const over = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect(over, `${what} is wider than the window by`).toBeLessThanOrEqual(0);
}

/** Opens a page and waits until its heading and its data are there. */
export async function open(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  await expect(page.getByText('Loading…')).toHaveCount(0);
}

/** The estate's risk as the overview shows it, in points. */
export async function overviewRisk(page: Page): Promise<number> {
  await open(page, '/');
  const text = await page.getByTestId('risk-total').textContent();
  return Number((text ?? '').replaceAll(',', ''));
}

/** Runs a command line of the console, such as "gyre lab fix web-git", with the binary under test. */
export function gyre(commandLine: string): string {
  const binary = process.env.GYRE_BIN;
  if (!binary) throw new Error('Set GYRE_BIN to the gyre binary.');
  if (!commandLine.startsWith('gyre ')) throw new Error(`${commandLine} is not a command of gyre`);
  // Through a shell, as a person would paste it: values in it are quoted.
  return execFileSync('sh', ['-c', commandLine], {
    encoding: 'utf8',
    timeout: 60_000,
    env: { ...process.env, PATH: `${dirname(binary)}:${process.env.PATH}` },
  });
}
