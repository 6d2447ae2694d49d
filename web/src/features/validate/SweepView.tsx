// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Button, Progress } from '@mantine/core';
import { plural } from '../../lib/format';
import type { Sweep } from './useValidateAll';
import classes from './Verdict.module.css';

/** How far the validation of an action is, and what it found so far. */
export function SweepView({ sweep, onStop }: { sweep: Sweep; onStop: () => void }) {
  const failures = [...new Set(sweep.failures)];
  return (
    <div className={classes.sweepView}>
      <Progress
        value={(sweep.done / Math.max(1, sweep.total)) * 100}
        color={sweep.running ? 'marigold' : 'teal'}
        aria-label="Validated"
      />
      <output className={classes.sweepText}>
        {sweep.done} of {plural(sweep.total, 'exposure')} looked at again:{' '}
        <strong>{sweep.fixed} fixed</strong>, {sweep.stillThere} still there, {sweep.inconclusive}{' '}
        inconclusive
        {sweep.failures.length > 0 && `, ${sweep.failures.length} not possible`}.
      </output>
      {failures.map((f) => (
        <p key={f} className="gy-dim">
          {f}
        </p>
      ))}
      {sweep.running && (
        <Button variant="default" onClick={onStop}>
          Stop after this one
        </Button>
      )}
    </div>
  );
}
