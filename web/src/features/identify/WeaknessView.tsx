// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import type { ExposureDetail } from '../../api/types';
import { Properties } from '../../components/Properties';
import { day, known, percent } from '../../lib/format';
import { title } from '../../lib/words';
import classes from './Weakness.module.css';

/** What is wrong, once for the whole world. */
export function WeaknessView({ weakness: w }: { weakness: ExposureDetail['weakness'] }) {
  const links = (w.references ?? []).filter((r) => /^https?:\/\//.test(r));
  return (
    <>
      {w.description && <p className={classes.text}>{w.description}</p>}
      <Properties
        rows={[
          [
            'Id',
            <span key="k" className="gy-mono">
              {w.key}
            </span>,
          ],
          [
            'Also known as',
            (w.aliases?.length ?? 0) > 0 && <span className="gy-mono">{w.aliases?.join(', ')}</span>,
          ],
          ['Severity', title(w.severity)],
          [
            'CVSS',
            w.cvss && (
              <>
                <strong>{w.cvss_score?.toFixed(1)}</strong> <span className="gy-mono">{w.cvss}</span>
              </>
            ),
          ],
          ['CWE', w.cwes?.join(', ')],
          ['Published', known(w.published) && day(w.published)],
        ]}
      />
      {links.length > 0 && (
        <ul className={classes.links}>
          {links.map((r) => (
            <li key={r}>
              <a href={r} target="_blank" rel="noreferrer">
                {r.replace(/^https?:\/\//, '')}
              </a>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

/** What the world knows of it right now, each with its date. */
export function IntelView({ intel }: { intel: ExposureDetail['intel'] }) {
  const nothing = !intel.kev && !intel.epss && !intel.exploit;
  if (nothing) return <p className={classes.text}>No feed knows of exploitation of this weakness.</p>;
  return (
    <Properties
      rows={[
        [
          'Known exploited',
          intel.kev ? (
            <>
              <strong>Yes, in KEV</strong>
              {known(intel.kev_added) && ` since ${day(intel.kev_added)}`}
              {known(intel.kev_due) && `, agencies had to fix it by ${day(intel.kev_due)}`}
            </>
          ) : (
            'Not in KEV'
          ),
        ],
        ['Ransomware', intel.ransomware && 'Used in campaigns, as KEV says'],
        [
          'EPSS',
          intel.epss > 0 && (
            <>
              <strong>{percent(intel.epss)}</strong> in the next 30 days, more than{' '}
              {percent(intel.epss_percentile)} of all
              {known(intel.epss_date) && `; as of ${day(intel.epss_date)}`}
            </>
          ),
        ],
        [
          'Exploit',
          intel.exploit === 'poc'
            ? 'Proof of concept is public'
            : intel.exploit === 'attacked' && 'Attacks are seen',
        ],
      ]}
    />
  );
}
