// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Button, Group, MultiSelect, Stack, TextInput } from '@mantine/core';
import type { Window } from '../../api/types';

const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

interface HoursFieldsProps {
  hours: Window[];
  onChange: (hours: Window[]) => void;
}

/** When probes may be sent. None means always. */
export function HoursFields({ hours, onChange }: HoursFieldsProps) {
  const set = (i: number, part: Partial<Window>) =>
    onChange(hours.map((h, j) => (i === j ? { ...h, ...part } : h)));
  return (
    <Stack gap={8}>
      {hours.map((h, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: windows have no name of their own and keep their order
        <Group key={i} align="flex-end" wrap="wrap">
          <MultiSelect
            label="Days"
            placeholder={h.days?.length ? '' : 'every day'}
            data={days}
            value={h.days ?? []}
            onChange={(v) => set(i, { days: v })}
            style={{ flex: '1 1 180px' }}
          />
          <TextInput
            type="time"
            label="From (UTC)"
            value={h.from}
            onChange={(e) => set(i, { from: e.currentTarget.value })}
          />
          <TextInput
            type="time"
            label="To (UTC)"
            value={h.to}
            onChange={(e) => set(i, { to: e.currentTarget.value })}
          />
          <Button variant="subtle" size="sm" onClick={() => onChange(hours.filter((_, j) => j !== i))}>
            Remove
          </Button>
        </Group>
      ))}
      <div>
        <Button variant="default" onClick={() => onChange([...hours, { from: '20:00', to: '06:00' }])}>
          {hours.length === 0 ? 'Limit the hours' : 'Add hours'}
        </Button>
      </div>
    </Stack>
  );
}
