// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { expect, test } from '@playwright/test';
import { expectAccessible, open, screens } from './support';

test('filter by words, by completion, by facet; a wrong filter names its place', async ({ page }) => {
  await open(page, '/exposures');
  const box = page.getByRole('combobox', { name: 'Filter exposures' });
  await page.keyboard.press('/');
  await expect(box).toBeFocused();

  await box.fill('sever');
  await expect(page.getByRole('option').first()).toContainText('severity');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect(box).toHaveValue('severity ');
  await page.keyboard.type('>= HIGH');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/filter=severity/);
  await expect(page.getByRole('alert')).toHaveCount(0);

  await box.fill('risk >= 1 && sevrity == HIGH');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('alert').filter({ hasText: 'Character 14' })).toBeVisible();
  await expectAccessible(page, 'a wrong filter');
  await page.screenshot({ path: `${screens}/exposures-wrong-filter.png` });

  await box.fill('');
  await page.keyboard.press('Enter');
  await page.getByLabel('Facets').getByRole('button').first().click();
  await expect(page).toHaveURL(/filter=severity/);
  await expect(page.getByLabel('Facets').getByRole('button', { pressed: true })).toHaveCount(1);
});

test('rows by keyboard, a change of many, and its undoing', async ({ page }) => {
  await open(page, '/exposures?filter=state%20%3D%3D%20%22open%22');
  const rows = page.getByRole('row').filter({ has: page.getByRole('cell') });
  await expect(rows.first()).toBeVisible();
  await page.keyboard.press('j');
  await page.keyboard.press('x');
  await page.keyboard.press('j');
  await page.keyboard.press('x');
  await expect(page.getByText('2 exposures selected')).toBeVisible();
  await page.getByRole('button', { name: 'Change state…' }).click();
  await expectAccessible(page, 'the dialog of a change');
  await page.getByLabel('Reason').fill('looked at together');
  await page.getByRole('button', { name: 'Change state', exact: true }).click();
  await expect(page.getByText('2 exposures set to triaged.')).toBeVisible();
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(page.getByText('Undone: 2 exposures.')).toBeVisible();

  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Why this score' })).toBeVisible();
  await page.goBack();
  await expect(page).toHaveURL(/state/);
});
