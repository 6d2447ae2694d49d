// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { defineConfig } from '@playwright/test';

// Without GYRE_URL there is no server to drive; the suite says so instead of failing in the dark.
const url = process.env.GYRE_URL ?? process.env.GYRE_ONE_TIME_URL?.replace(/\/sign-in.*$/, '');
if (!url) throw new Error('Set GYRE_URL to a running server and GYRE_ONE_TIME_URL to a sign-in link of it.');

export const sessionFile = '../artifacts/e2e/session.json';

export default defineConfig({
  testDir: 'e2e',
  outputDir: '../artifacts/e2e/results',
  reporter: [['list']],
  // One estate is shared by all tests, so they run one after the other.
  workers: 1,
  fullyParallel: false,
  timeout: 120_000,
  expect: { timeout: 15_000 },
  use: {
    baseURL: url,
    actionTimeout: 15_000,
    trace: 'retain-on-failure',
    launchOptions: {
      executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--no-first-run',
        '--disable-quic',
      ],
    },
  },
  projects: [
    { name: 'sign-in', testMatch: 'signin.setup.ts' },
    {
      name: 'console',
      testMatch: '*.spec.ts',
      dependencies: ['sign-in'],
      use: { storageState: sessionFile },
    },
  ],
});
