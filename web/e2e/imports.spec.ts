// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { expect, test } from '@playwright/test';
import { expectAccessible, open, screens } from './support';

/** A report of a host that the practice estate does not have. */
const nmap = (port: number) => `<?xml version="1.0"?>
<nmaprun scanner="nmap" args="nmap -sV 192.0.2.44" start="1790000000" version="7.95" xmloutputversion="1.05">
<host starttime="1790000000" endtime="1790000009"><status state="up" reason="echo-reply"/>
<address addr="192.0.2.44" addrtype="ipv4"/><hostnames><hostname name="handed-in.example" type="PTR"/></hostnames>
<ports><port protocol="tcp" portid="${port}"><state state="open" reason="syn-ack"/><service name="telnet" method="probed" conf="10"/></port></ports>
</host><runstats><finished time="1790000009" exit="success"/></runstats></nmaprun>`;

const file = (name: string, text: string) => ({ name, mimeType: 'text/xml', buffer: Buffer.from(text) });

test('a report: what it would change, handing it in, the same again, one that is broken', async ({
  page,
}) => {
  const report = file('perimeter.xml', nmap(23));
  await open(page, '/imports');
  const choose = page.locator('input[type=file]');
  await choose.setInputFiles(report);
  await page.getByRole('button', { name: 'What would change?' }).click();
  const preview = page.getByRole('region', { name: 'What would change' });
  await expect(preview).toContainText('Asset created: 1');
  await expect(preview).toContainText('handed-in.example');
  await expectAccessible(page, 'the preview of an import');
  await page.screenshot({ path: `${screens}/import-preview.png` });

  await page.getByRole('button', { name: 'Import', exact: true }).click();
  const row = page.getByRole('row').filter({ hasText: 'perimeter.xml' });
  await expect(row).toContainText('Done');
  await expect(row).toContainText('1 new asset');

  await choose.setInputFiles(report);
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  await expect(page.getByText('nothing was imported twice')).toBeVisible();
  await expect(row).toHaveCount(1);

  await choose.setInputFiles(file('broken.xml', nmap(23).slice(0, 400)));
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  await page.getByRole('link', { name: 'broken.xml' }).click();
  await expect(page.getByText('Nothing of it was stored')).toBeVisible();
  await expect(page.getByRole('alert', { name: 'Nothing of it was stored' })).toContainText('broken.xml');
  await expectAccessible(page, 'an import that failed');
  await page.screenshot({ path: `${screens}/import-failed.png` });
});
