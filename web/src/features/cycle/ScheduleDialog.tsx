// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Button, Group, Modal, MultiSelect, Select, Stack, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useCreateSchedule } from '../../api/mutations';
import { scopesQuery } from '../../api/queries';
import { ProblemText } from '../../components/ProblemText';

interface ScheduleDialogProps {
  opened: boolean;
  onClose: () => void;
}

/** Has a cycle or a sync of the feeds done again and again. */
export function ScheduleDialog({ opened, onClose }: ScheduleDialogProps) {
  return (
    <Modal opened={opened} onClose={onClose} title="New schedule">
      <ScheduleForm onClose={onClose} />
    </Modal>
  );
}

function ScheduleForm({ onClose }: Pick<ScheduleDialogProps, 'onClose'>) {
  const create = useCreateSchedule();
  const { data: scopes } = useQuery(scopesQuery);
  const [name, setName] = useState('');
  const [kind, setKind] = useState<'cycle' | 'sync'>('cycle');
  const [when, setWhen] = useState('30 2 * * *');
  const [chosen, setChosen] = useState<string[]>([]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate(
      { name, kind, when, scopes: kind === 'cycle' && chosen.length > 0 ? chosen : undefined },
      { onSuccess: onClose },
    );
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <TextInput
          label="Name"
          placeholder="nightly"
          required
          data-autofocus
          value={name}
          onChange={(e) => setName(e.currentTarget.value)}
        />
        <Select
          label="Does"
          allowDeselect={false}
          data={[
            { value: 'cycle', label: 'a cycle' },
            { value: 'sync', label: 'a sync of the feeds' },
          ]}
          value={kind}
          onChange={(v) => setKind(v === 'sync' ? 'sync' : 'cycle')}
        />
        {kind === 'cycle' && (
          <MultiSelect
            label="Scopes"
            description="None chosen: all that there are at the time"
            data={scopes?.items.map((s) => ({ value: s.id, label: s.name })) ?? []}
            value={chosen}
            onChange={setChosen}
          />
        )}
        <TextInput
          label="When"
          description="A span such as 6h, or minute, hour, day, month and weekday as in cron, in UTC"
          required
          value={when}
          onChange={(e) => setWhen(e.currentTarget.value)}
        />
        <ProblemText error={create.error} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={create.isPending}>
            Add schedule
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
