// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { title } from '../lib/words';
import classes from './StateWord.module.css';

/** Where an exposure, action, cycle or run stands: a shape that fills with progress, and the word. */
export function StateWord({ state }: { state: string }) {
  return (
    <span className={classes.state} data-state={state}>
      <svg width="10" height="10" viewBox="0 0 10 10" aria-hidden className={classes.dot}>
        <circle cx="5" cy="5" r="4" />
        {fills[state] && <path d={fills[state]} />}
      </svg>
      {title(state)}
    </span>
  );
}

const quarter = 'M5 5V1A4 4 0 0 1 9 5Z';
const half = 'M5 1A4 4 0 0 1 5 9Z';
const most = 'M5 5V1A4 4 0 1 1 1 5Z';
const full = 'M5 1A4 4 0 1 1 4.99 1Z';
const bar = 'M2.5 4.2h5v1.6h-5Z';

const fills: Record<string, string> = {
  triaged: quarter,
  in_remediation: half,
  in_progress: half,
  running: half,
  retrying: quarter,
  receiving: quarter,
  checking: quarter,
  storing: half,
  judging: most,
  planning: most,
  fix_claimed: most,
  done: most,
  fixed: full,
  verified: full,
  finished: full,
  succeeded: full,
  partial: most,
  failed: full,
  interrupted: quarter,
  accepted: bar,
  false_positive: bar,
  mitigated: bar,
  dismissed: bar,
  cancelled: bar,
};
