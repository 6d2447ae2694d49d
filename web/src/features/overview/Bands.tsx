// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Link } from '@tanstack/react-router';
import type { Tally } from '../../api/types';
import { BandSteps } from '../../components/Band';
import { count, percent } from '../../lib/format';
import { bands, title } from '../../lib/words';
import classes from './Bands.module.css';

/** Active exposures by band: one bar of lengths, and the same in words. */
export function Bands({ tally }: { tally: Tally }) {
  const total = Math.max(1, tally.exposures);
  return (
    <div>
      <div className={classes.bar} aria-hidden>
        {bands.map((b) => {
          const n = tally.bands?.[b] ?? 0;
          return n > 0 && <span key={b} data-band={b} style={{ flexGrow: n }} />;
        })}
      </div>
      <ul className={classes.list}>
        {bands.map((b) => {
          const n = tally.bands?.[b] ?? 0;
          return (
            <li key={b}>
              <Link
                to="/exposures"
                search={{
                  filter: `band == "${b}" && state in ["open", "triaged", "in_remediation", "fix_claimed"]`,
                }}
                className={classes.link}
              >
                <BandSteps band={b} />
                <span>{title(b)}</span>
                <span className={classes.count}>{count(n)}</span>
                <span className={classes.share}>{percent(n / total)}</span>
              </Link>
            </li>
          );
        })}
      </ul>
    </div>
  );
}
