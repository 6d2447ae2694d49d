// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Button, TextInput } from '@mantine/core';
import { day } from '../../lib/format';
import classes from './AsOf.module.css';

interface AsOfProps {
  /** A day, "2026-11-01"; undefined is now. */
  value: string | undefined;
  onChange: (day: string | undefined) => void;
}

/** Asks how a list was at the end of a day. */
export function AsOf({ value, onChange }: AsOfProps) {
  return (
    <div className={classes.box} data-past={value !== undefined || undefined}>
      <TextInput
        type="date"
        aria-label="As it was on"
        title="As it was at the end of this day (UTC)"
        max={day(new Date().toISOString())}
        value={value ?? ''}
        onChange={(e) => onChange(e.currentTarget.value || undefined)}
      />
      {value !== undefined && (
        <Button variant="default" onClick={() => onChange(undefined)}>
          Back to now
        </Button>
      )}
    </div>
  );
}

/** Says that a list is of the past, and whose names it uses. */
export function PastNote({ day: past }: { day: string }) {
  return (
    <span>
      as it was on <strong>{past}</strong>, with today's knowledge of who is who
    </span>
  );
}
