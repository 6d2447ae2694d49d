// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Button, Group, Select, Stack, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { type FormEvent, useState } from 'react';
import { useMay } from '../../api/grants';
import { useEditAction } from '../../api/mutations';
import type { Action } from '../../api/types';
import { ProblemText } from '../../components/ProblemText';
import { day, known } from '../../lib/format';
import { actionStates, title } from '../../lib/words';

const titles: Record<string, string> = {
  done: 'Done (waits for evidence)',
  verified: 'Verified (by evidence)',
};

/** State, owner and due date of an action. */
export function ActionForm({ action }: { action: Action }) {
  const may = useMay('write');
  const edit = useEditAction(action.id);
  const [state, setState] = useState(action.state);
  const [owner, setOwner] = useState(action.owner ?? '');
  const [due, setDue] = useState(known(action.due) ? day(action.due) : '');
  const changed =
    state !== action.state ||
    owner !== (action.owner ?? '') ||
    due !== (known(action.due) ? day(action.due) : '');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    edit.mutate(
      {
        ...(state !== action.state && { state }),
        owner,
        // The end of that day where the reader is; the year 1 is how the API writes "no date".
        due: due ? new Date(`${due}T23:59:59`).toISOString() : '0001-01-01T00:00:00Z',
      },
      { onSuccess: () => notifications.show({ message: 'Saved.' }) },
    );
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <Select
          label="State"
          data={actionStates.map((s) => ({
            value: s,
            label: titles[s] ?? title(s),
            disabled: s === 'verified',
          }))}
          value={state}
          onChange={(v) => setState((v ?? action.state) as Action['state'])}
        />
        <TextInput
          label="Owner"
          placeholder="Who does it"
          value={owner}
          onChange={(e) => setOwner(e.currentTarget.value)}
        />
        <TextInput type="date" label="Due" value={due} onChange={(e) => setDue(e.currentTarget.value)} />
        <ProblemText error={edit.error} />
        <Group justify="flex-end">
          <Button type="submit" disabled={!may || !changed} loading={edit.isPending}>
            Save
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
