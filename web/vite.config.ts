// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

const server = process.env.GYRE_URL ?? 'http://127.0.0.1:8437';

export default defineConfig({
  plugins: [react()],
  server: {
    host: '127.0.0.1',
    port: 5173,
    // The server refuses cross-origin writes, so the proxy speaks as its own origin.
    proxy: {
      '/api': { target: server, changeOrigin: true, headers: { Origin: server } },
    },
  },
  build: {
    // public/.gitkeep is copied into dist, so the folder that Go embeds always exists.
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    chunkSizeWarningLimit: 700,
    // The content security policy allows no data: scripts or fonts; keep every asset a file.
    assetsInlineLimit: 0,
  },
  test: {
    environment: 'happy-dom',
    include: ['src/**/*.test.{ts,tsx}'],
    setupFiles: ['./vitest.setup.ts'],
  },
});
