// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

/** Line icons on a 20-unit grid, drawn for this console. They never stand alone: a word or label is beside them. */
const shapes = {
  overview: 'M10 3a7 7 0 1 1-6.6 4.6M10 6.5A3.5 3.5 0 1 1 6.6 9',
  exposures: 'M10 2.8 17.6 16.2H2.4zM10 8v3.6M10 13.8v.2',
  assets: 'M3.5 3.5h13v5h-13zM3.5 11.5h13v5h-13zM6.2 6h.1M6.2 14h.1M9.5 6h4M9.5 14h4',
  actions: 'M3 5.2 4.6 6.8 7.4 3.8M3 12.2l1.6 1.6 2.8-3M10 5.5h7M10 12.5h7M10 16.5h5',
  cycles: 'M16.6 8.6A7 7 0 0 0 4 6.4M3.4 11.4A7 7 0 0 0 16 13.6M4 2.8v3.6h3.6M16 17.2v-3.6h-3.6',
  scopes:
    'M10 2.5v3.2M10 14.3v3.2M2.5 10h3.2M14.3 10h3.2M10 4.6a5.4 5.4 0 1 1 0 10.8 5.4 5.4 0 0 1 0-10.8M10 9.9v.2',
  imports: 'M10 2.8v9M6.4 8.4 10 12l3.6-3.6M3.4 12.6v4h13.2v-4',
  jobs: 'M3.5 4.5h13M3.5 10h13M3.5 15.5h7M14.5 13v5M12 15.5h5',
  user: 'M10 3.2a3.4 3.4 0 1 1 0 6.8 3.4 3.4 0 0 1 0-6.8M3.4 17a6.6 6.6 0 0 1 13.2 0',
  search: 'M8.8 3.2a5.6 5.6 0 1 1 0 11.2 5.6 5.6 0 0 1 0-11.2M13 13l4 4',
  play: 'M6 3.8 16 10 6 16.2z',
  stop: 'M5 5h10v10H5z',
  check: 'M3.6 10.6 8 15l8.6-10',
  cross: 'M5 5l10 10M15 5 5 15',
  copy: 'M7 7h9.5v9.5H7zM13 7V3.5H3.5V13H7',
  down: 'M4.5 7.5 10 13l5.5-5.5',
  right: 'M7.5 4.5 13 10l-5.5 5.5',
  up: 'M4.5 12.5 10 7l5.5 5.5',
  star: 'M10 2.8l2.2 4.6 5 .7-3.6 3.5.9 5-4.5-2.4-4.5 2.4.9-5L2.8 8.1l5-.7z',
  facets: 'M3 5h14M5.5 10h9M8 15h4',
  columns: 'M3.5 4h13v12h-13zM8 4v12M12 4v12',
  external: 'M8 4H4v12h12v-4M11 4h5v5M16 4l-7 7',
  warning: 'M10 3a7 7 0 1 1 0 14 7 7 0 0 1 0-14M10 6.4v4.4M10 13.4v.2',
  plus: 'M10 4v12M4 10h12',
  sun: 'M10 6.6a3.4 3.4 0 1 1 0 6.8 3.4 3.4 0 0 1 0-6.8M10 2.2v1.6M10 16.2v1.6M2.2 10h1.6M16.2 10h1.6M4.5 4.5l1.1 1.1M14.4 14.4l1.1 1.1M15.5 4.5l-1.1 1.1M5.6 14.4l-1.1 1.1',
} as const;

export type IconName = keyof typeof shapes;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 20 20"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.6"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden
      style={{ flex: 'none' }}
    >
      <path d={shapes[name]} />
    </svg>
  );
}
