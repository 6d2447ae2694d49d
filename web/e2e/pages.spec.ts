// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { expect, test } from '@playwright/test';
import { expectAccessible, expectFits, open, screens } from './support';

const sizes = [
  { name: '1280', width: 1280, height: 820 },
  { name: '390', width: 390, height: 844 },
];

/** The first link on a list's page that leads to one of its objects. */
const lists = ['exposures', 'assets', 'actions', 'cycles'];

for (const scheme of ['light', 'dark'] as const) {
  for (const size of sizes) {
    test(`every page is accessible and fits, ${scheme}, ${size.name} px`, async ({ page }) => {
      const broken: string[] = [];
      page.on('pageerror', (error) => broken.push(error.message));
      page.on('console', (message) => {
        if (message.text().includes('Content Security Policy')) broken.push(message.text());
      });
      await page.setViewportSize(size);
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
      const visit = async (path: string, name: string) => {
        await open(page, path);
        await page.waitForLoadState('load');
        await expectAccessible(page, `${name} ${scheme} ${size.name}`);
        await expectFits(page, `${name} ${size.name}`);
        // Charts draw themselves after their data.
        await page.waitForTimeout(500);
        await page.screenshot({ path: `${screens}/${name}-${scheme}-${size.name}.png`, fullPage: true });
      };
      await visit('/', 'overview');
      for (const list of lists) {
        await visit(`/${list}`, list);
        const href = await page.locator(`#main a[href^="/${list}/"]`).first().getAttribute('href');
        expect(href, `a link to one of ${list}`).toBeTruthy();
        await visit(href as string, list.slice(0, -1));
      }
      await visit('/identities', 'identities');
      await visit('/imports', 'imports');
      await visit('/jobs', 'jobs');
      await visit('/scopes', 'scopes');
      await page.getByRole('button', { name: 'New scope' }).click();
      await expect(page.getByLabel('Name', { exact: false }).first()).toBeVisible();
      await expectAccessible(page, `scope editor ${scheme} ${size.name}`);
      await page.goto('/');
      await page.getByRole('button', { name: /^Account/ }).click();
      await expect(page.getByText('API tokens')).toBeVisible();
      await expectAccessible(page, `account menu ${scheme} ${size.name}`);
      expect(broken).toEqual([]);
    });
  }
}
