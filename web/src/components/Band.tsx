// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { risk as riskText } from '../lib/format';
import { bandOf, bands, title } from '../lib/words';
import classes from './Band.module.css';

/** Five steps that rise with the band: readable by shape and lightness, not by hue. */
export function BandSteps({ band }: { band: string }) {
  const level = bands.length - Math.max(0, bands.indexOf(band as (typeof bands)[number]));
  return (
    <svg className={classes.steps} width="19" height="12" viewBox="0 0 19 12" aria-hidden data-band={band}>
      {bands.map((b, i) => (
        <rect
          key={b}
          x={i * 4}
          y={9 - i * 2.25}
          width="3"
          height={3 + i * 2.25}
          rx="0.6"
          className={i < level ? classes.on : classes.off}
        />
      ))}
    </svg>
  );
}

/** A band as mark and word. */
export function BandWord({ band }: { band: string }) {
  return (
    <span className={classes.word} data-band={band}>
      <BandSteps band={band} />
      {title(band)}
    </span>
  );
}

/** The risk of one exposure with its band: "72.4 ▂▃▅ High". */
export function RiskMark({ risk, band, word = true }: { risk: number; band?: string; word?: boolean }) {
  const b = band || bandOf(risk);
  return (
    <span className={classes.mark} data-band={b} title={`Risk ${riskText(risk)} of 100, band ${b}`}>
      <span className={classes.number}>{riskText(risk)}</span>
      <BandSteps band={b} />
      <span className={word ? undefined : classes.hidden}>{title(b)}</span>
    </span>
  );
}
