// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

/** The geometry of one blade of the gyre: it starts thin and near the centre, and ends thick and far out. */
export interface Blade {
  /** Degrees, clockwise from twelve o'clock, at which the blade starts. */
  from: number;
  /** Degrees that the whole blade spans. */
  sweep: number;
  tailRadius: number;
  headRadius: number;
  tailWidth: number;
  headWidth: number;
}

const stepsPerBlade = 36;

interface Point {
  x: number;
  y: number;
}

function place(angle: number, radius: number): Point {
  const a = ((angle - 90) * Math.PI) / 180;
  return { x: Number((radius * Math.cos(a)).toFixed(2)), y: Number((radius * Math.sin(a)).toFixed(2)) };
}

function point(angle: number, radius: number): string {
  const { x, y } = place(angle, radius);
  return `${x} ${y}`;
}

/** The middles of a blade's tail and head. */
export function bladeEnds(blade: Blade): [Point, Point] {
  return [place(blade.from, blade.tailRadius), place(blade.from + blade.sweep, blade.headRadius)];
}

/** The SVG path of the first `part` (0 to 1) of a blade, centred on the origin. */
export function bladePath(blade: Blade, part = 1): string {
  const end = Math.min(1, Math.max(0, part));
  if (end === 0) return '';
  const steps = Math.max(2, Math.ceil(stepsPerBlade * end));
  const outer: string[] = [];
  const inner: string[] = [];
  for (let i = 0; i <= steps; i++) {
    const t = (i / steps) * end;
    const angle = blade.from + t * blade.sweep;
    const middle = blade.tailRadius + t * (blade.headRadius - blade.tailRadius);
    const half = (blade.tailWidth + t * (blade.headWidth - blade.tailWidth)) / 2;
    outer.push(point(angle, middle + half));
    inner.unshift(point(angle, middle - half));
  }
  return `M${outer.join('L')}L${inner.join('L')}Z`;
}

/** Five blades around a ring of about radius 100, the first starting at twelve o'clock. */
export function blades(bold = false): Blade[] {
  return [0, 1, 2, 3, 4].map((i) => ({
    from: i * 72 + 2,
    sweep: bold ? 66 : 75,
    tailRadius: bold ? 72 : 82,
    headRadius: bold ? 84 : 97,
    tailWidth: bold ? 20 : 5,
    headWidth: bold ? 40 : 20,
  }));
}
