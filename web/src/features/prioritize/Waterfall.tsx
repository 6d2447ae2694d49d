// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import type { Score } from '../../api/types';
import { BandWord } from '../../components/Band';
import { percent, risk, signed } from '../../lib/format';
import { waterfall } from '../../lib/waterfall';
import { title } from '../../lib/words';
import classes from './Waterfall.module.css';

/** Where each band begins; see gyre.BandOf. */
const thresholds = [
  { at: 10, band: 'low' },
  { at: 35, band: 'medium' },
  { at: 60, band: 'high' },
  { at: 80, band: 'critical' },
];

const one = (n: number): string => risk(n);

/** Why a score is what it is: a table whose rows are the bars of a waterfall. */
export function Waterfall({ score }: { score: Score }) {
  const bars = waterfall(score.factors.map((f) => f.contribution));
  return (
    <table className={classes.table}>
      <caption className="gy-hidden">
        What moved the risk, in points of 100, in order; the points add up to {risk(score.risk)}.
      </caption>
      <thead>
        <tr>
          <th scope="col">Reason</th>
          <th scope="col" className={classes.trackHead}>
            <span className="gy-hidden">Running total</span>
            <span className={classes.scale} aria-hidden>
              {thresholds.map((t) => (
                <span key={t.band} style={{ left: `${t.at}%` }}>
                  {t.band}
                </span>
              ))}
            </span>
          </th>
          <th scope="col" className={classes.points}>
            Points
          </th>
        </tr>
      </thead>
      <tbody>
        {score.factors.map((f, i) => {
          const bar = bars[i];
          return (
            <tr key={`${f.part} ${f.key}`}>
              <th scope="row" className={classes.reason}>
                {f.label}
                <span className={classes.source}>
                  {title(f.part)}
                  {f.source && `, from ${f.source}`}
                  {f.value && !f.label.includes(f.value) && `: ${f.value}`}
                </span>
              </th>
              <td className={classes.track}>
                <Lines />
                {bar && (
                  <span
                    className={classes.bar}
                    data-falls={bar.falls || undefined}
                    style={{ left: `${bar.start}%`, width: `max(2px, ${bar.width}%)` }}
                  />
                )}
                {bar && <span className={classes.join} style={{ left: `${bar.total}%` }} />}
              </td>
              <td className={classes.points}>{signed(f.contribution, one)}</td>
            </tr>
          );
        })}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row" className={classes.reason}>
            Risk
            <span className={classes.source}>
              likelihood {percent(score.likelihood)} × impact {percent(score.impact)}
            </span>
          </th>
          <td className={classes.track}>
            <Lines />
            <span className={classes.total} data-band={score.band} style={{ width: `${score.risk}%` }} />
          </td>
          <td className={classes.points}>
            {risk(score.risk)}
            <span className={classes.band}>
              <BandWord band={score.band} />
            </span>
          </td>
        </tr>
      </tfoot>
    </table>
  );
}

function Lines() {
  return thresholds.map((t) => (
    <span key={t.band} className={classes.line} style={{ left: `${t.at}%` }} aria-hidden />
  ));
}
