// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { expect, test } from '@playwright/test';
import { expectAccessible, gyre, open, screens } from './support';

test('a schedule is made, paused, resumed and removed', async ({ page }) => {
  await open(page, '/jobs');
  await page.getByRole('button', { name: 'New schedule' }).click();
  const dialog = page.getByRole('dialog', { name: 'New schedule' });
  await expectAccessible(page, 'new schedule');
  await dialog.getByLabel('Name').fill('nightly');
  await dialog.getByLabel('When').fill('61 2 * * *');
  await dialog.getByRole('button', { name: 'Add schedule' }).click();
  await expect(dialog.getByRole('alert')).toContainText('minute');
  await dialog.getByLabel('When').fill('30 2 * * *');
  await page.screenshot({ path: `${screens}/schedule-new.png`, fullPage: true });
  await dialog.getByRole('button', { name: 'Add schedule' }).click();
  await expect(dialog).toHaveCount(0);

  const row = page.getByRole('region', { name: 'Schedules' }).getByRole('row').filter({ hasText: 'nightly' });
  await expect(row).toContainText('Cycle over every scope');
  await expect(row).toContainText('30 2 * * *');
  await page.screenshot({ path: `${screens}/schedules.png`, fullPage: true });
  await expectAccessible(page, 'schedules');

  await row.getByRole('button', { name: 'Pause schedule nightly' }).click();
  await expect(row).toContainText('Paused');
  expect(gyre('gyre schedule list')).toContain('paused');
  await row.getByRole('button', { name: 'Resume schedule nightly' }).click();
  await expect(row).toContainText(/in \d+ (h|min)/);
  await row.getByRole('button', { name: 'Remove schedule nightly' }).click();
  await expect(row).toHaveCount(0);
  await expect(page.getByText('No schedule', { exact: true })).toBeVisible();
});
