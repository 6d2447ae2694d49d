// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { expect, test } from '@playwright/test';
import { gyre, open, overviewRisk, screens } from './support';

test('the whole loop: do the top action, validate, see risk fall, break it, see it reopen', async ({
  page,
}) => {
  test.setTimeout(300_000);
  const before = await overviewRisk(page);
  expect(before).toBeGreaterThan(0);
  await page.screenshot({ path: `${screens}/loop-1-overview.png`, fullPage: true });

  // The top action says what to do.
  await page
    .getByRole('list')
    .filter({ hasText: 'points' })
    .getByRole('link', { name: /points/ })
    .first()
    .click();
  await expect(page.getByRole('heading', { name: 'What to do' })).toBeVisible();
  const commands = (await page.getByTestId('runbook').locator('pre').allInnerTexts()).filter((c) =>
    c.startsWith('gyre lab fix '),
  );
  expect(commands, 'commands of the runbook').not.toHaveLength(0);
  const exposureLinks = page
    .getByRole('region', { name: 'Exposures that this action removes' })
    .locator('a[href^="/exposures/"]');
  const exposure = await exposureLinks.first().getAttribute('href');
  expect(exposure).toBeTruthy();
  await page.screenshot({ path: `${screens}/loop-2-action.png`, fullPage: true });

  // Do it, and have it validated.
  for (const command of commands) gyre(command);
  await page.getByRole('button', { name: /^Validate/ }).click();
  const result = page.locator('output').filter({ hasText: 'looked at again' });
  await expect(result).toContainText(/[1-9]\d* fixed/, { timeout: 120_000 });
  await expect(page.getByRole('button', { name: 'Stop after this one' })).toHaveCount(0, {
    timeout: 120_000,
  });
  await page.screenshot({ path: `${screens}/loop-3-validated.png`, fullPage: true });

  // The exposure is fixed, with evidence.
  await open(page, exposure as string);
  await expect(page.getByTestId('verdict')).toContainText('Fixed:');
  await expect(page.getByTestId('verdict').locator('p').nth(1)).not.toBeEmpty();
  await expect(page.locator('header').getByText('Fixed', { exact: true })).toBeVisible();
  await page.screenshot({ path: `${screens}/loop-4-fixed.png`, fullPage: true });

  // The risk fell.
  const after = await overviewRisk(page);
  expect(after).toBeLessThan(before);
  await page.screenshot({ path: `${screens}/loop-5-risk-fell.png`, fullPage: true });

  // It breaks again: the next cycle sees it and reopens it.
  for (const command of commands) gyre(command.replace('lab fix', 'lab break'));
  await open(page, '/cycles');
  await page.getByRole('button', { name: 'Start a cycle' }).click();
  await expect(page.getByRole('button', { name: 'Cancel cycle' })).toBeVisible();
  await page.screenshot({ path: `${screens}/loop-6-cycle-running.png`, fullPage: true });
  await expect(page.getByRole('button', { name: 'Start a cycle' })).toBeVisible({ timeout: 180_000 });
  await open(page, exposure as string);
  await expect(page.locator('header').getByText('Open', { exact: true })).toBeVisible();
  await page.screenshot({ path: `${screens}/loop-7-reopened.png`, fullPage: true });
});
