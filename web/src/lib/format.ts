// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const oneDigit = new Intl.NumberFormat('en', { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const percentFormat = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 1 });

/** Nothing known: an en dash, which screen readers skip; say the rest in words beside it. */
export const none = '–';

export const count = (n: number): string => whole.format(n);

/** Risk of one exposure, 0.0 to 100.0. */
export const risk = (n: number): string => oneDigit.format(n);

/** A sum of risk, in points: one digit while it is small. */
export const points = (n: number): string => (Math.abs(n) < 100 ? oneDigit.format(n) : whole.format(n));

export const percent = (n: number): string => percentFormat.format(n);

/** "1 asset", "2 assets". */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** A change with its sign: "−12.5", "+3", "±0". */
export function signed(n: number, format: (n: number) => string = points): string {
  if (Math.abs(n) < 0.05) return '±0';
  return `${n > 0 ? '+' : '−'}${format(Math.abs(n))}`;
}

/** Go writes "never" as a missing field or as the year 1. */
export function known(time: string | null | undefined): time is string {
  return !!time && !time.startsWith('0001-');
}

const pad = (n: number): string => String(n).padStart(2, '0');

/** "2026-03-01" in the reader's time zone. */
export function day(time: string | null | undefined): string {
  if (!known(time)) return none;
  const d = new Date(time);
  return `${d.getFullYear()}-${pad(d.getMonth() + 1)}-${pad(d.getDate())}`;
}

/** "2026-03-01 14:05" in the reader's time zone. */
export function moment(time: string | null | undefined): string {
  if (!known(time)) return none;
  const d = new Date(time);
  return `${day(time)} ${pad(d.getHours())}:${pad(d.getMinutes())}`;
}

const units: [number, string][] = [
  [86_400 * 365, 'y'],
  [86_400 * 30, 'mo'],
  [86_400, 'd'],
  [3600, 'h'],
  [60, 'min'],
];

/** "just now", "5 min ago", "3 d ago", "in 2 d". */
export function ago(time: string | null | undefined, now: number): string {
  if (!known(time)) return 'never';
  const seconds = (now - Date.parse(time)) / 1000;
  const span = Math.abs(seconds);
  for (const [size, unit] of units) {
    if (span >= size) {
      const n = Math.floor(span / size);
      return seconds < 0 ? `in ${n} ${unit}` : `${n} ${unit} ago`;
    }
  }
  return 'just now';
}

/** How long from one time to another: "850 ms", "12.4 s", "3 min 05 s". */
export function duration(from: string | undefined, to: string | undefined, now: number): string {
  if (!known(from)) return none;
  const ms = Math.max(0, (known(to) ? Date.parse(to) : now) - Date.parse(from));
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${oneDigit.format(ms / 1000)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} min ${pad(Math.floor((ms % 60_000) / 1000))} s`;
  return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} min`;
}
