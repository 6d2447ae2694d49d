// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { expect, test as setup } from '@playwright/test';
import { sessionFile } from '../playwright.config';
import { expectAccessible, screens } from './support';

setup('a one-time link signs in once, and a password can be set', async ({ page, browser }) => {
  const link = process.env.GYRE_ONE_TIME_URL;
  if (!link) throw new Error('Set GYRE_ONE_TIME_URL to a sign-in link.');

  await page.goto('/');
  await expect(page).toHaveURL(/\/sign-in/);
  await expectAccessible(page, 'sign-in');
  await page.screenshot({ path: `${screens}/sign-in.png` });

  await page.goto(link);
  await expect(page.getByRole('heading', { name: 'Set a password' })).toBeVisible();
  expect(page.url(), 'the token stays in the address').not.toContain('token');
  await expectAccessible(page, 'set a password');
  const password = 'correct horse battery staple';
  const fields = page.locator('input[autocomplete=new-password]');
  await fields.first().fill(password);
  await fields.last().fill(password);
  await page.getByRole('button', { name: 'Set password' }).click();
  await expect(page.getByRole('heading', { name: 'Overview' })).toBeVisible();
  await page.context().storageState({ path: sessionFile });

  const second = await browser.newContext();
  const again = await second.newPage();
  await again.goto(link);
  await expect(again.getByRole('alert')).toBeVisible();
  await expect(again.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await second.close();
});
