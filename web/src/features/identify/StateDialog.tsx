// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Button, Group, Modal, Select, Stack, Textarea, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { type FormEvent, useState } from 'react';
import { useChangeState, useUndo } from '../../api/mutations';
import type { ExposureChange, Skip } from '../../api/types';
import { ProblemText } from '../../components/ProblemText';
import { day, plural } from '../../lib/format';
import { settableStates, title } from '../../lib/words';

interface StateDialogProps {
  ids: string[];
  opened: boolean;
  onClose: () => void;
  onDone?: () => void;
}

type State = ExposureChange['state'];

const needsReason = (state: State): boolean => state === 'accepted' || state === 'false_positive';
const dayMillis = 86_400_000;

/** Moves exposures to another state. Fixed is not among them: that takes evidence. */
export function StateDialog({ ids, opened, onClose, onDone }: StateDialogProps) {
  return (
    <Modal opened={opened} onClose={onClose} title={`Change the state of ${plural(ids.length, 'exposure')}`}>
      <StateForm ids={ids} onClose={onClose} onDone={onDone} />
    </Modal>
  );
}

function StateForm({ ids, onClose, onDone }: Omit<StateDialogProps, 'opened'>) {
  const [state, setState] = useState<State>('triaged');
  const [reason, setReason] = useState('');
  const [ends, setEnds] = useState(() => day(new Date(Date.now() + 90 * dayMillis).toISOString()));
  const change = useChangeState();
  const tell = useChangeNotice();
  const exception = needsReason(state);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change.mutate(
      {
        ids,
        state,
        ...(reason && { reason }),
        ...(exception && ends && { ends: new Date(`${ends}T23:59:59`).toISOString() }),
      },
      {
        onSuccess: (result) => {
          tell(
            result.change,
            `${plural(result.changed, 'exposure')} set to ${title(state).toLowerCase()}.`,
            result.skipped,
          );
          onDone?.();
          onClose();
        },
      },
    );
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <Select
          label="New state"
          data={settableStates.map((s) => ({ value: s, label: title(s) }))}
          value={state}
          onChange={(v) => setState((v ?? 'triaged') as State)}
          description="An exposure becomes fixed by evidence only: validate it, or run a cycle."
        />
        <Textarea
          label="Reason"
          required={exception}
          autosize
          minRows={2}
          value={reason}
          onChange={(e) => setReason(e.currentTarget.value)}
          description={exception ? 'Kept with who said so and when.' : 'Optional; kept in the history.'}
        />
        {exception && (
          <TextInput
            type="date"
            label="Ends on"
            required
            min={day(new Date(Date.now() + dayMillis).toISOString())}
            value={ends}
            onChange={(e) => setEnds(e.currentTarget.value)}
            description="After this day it is open again."
          />
        )}
        <ProblemText error={change.error} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={change.isPending}>
            Change state
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** Says what a bulk change did, what it left out and why, and offers to undo it. */
function useChangeNotice() {
  const undo = useUndo();
  return (change: string, message: string, skipped: Skip[] = []) => {
    const id = `change-${change}`;
    const first = skipped[0];
    notifications.show({
      id,
      autoClose: 12_000,
      withCloseButton: true,
      message: (
        <Group justify="space-between" wrap="nowrap">
          <span>
            {message}
            {first && ` ${plural(skipped.length, 'exposure')} left as they were: ${first.reason}.`}
          </span>
          <Button
            variant="default"
            onClick={() => {
              notifications.hide(id);
              // The button is about to go; keys belong to the list again.
              if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
              // A promise, not callbacks: the dialog that asked is gone by now.
              undo.mutateAsync(change).then(
                (r) => notifications.show({ message: `Undone: ${plural(r.changed, 'exposure')}.` }),
                (e: Error) => notifications.show({ color: 'wine', message: e.message }),
              );
            }}
          >
            Undo
          </Button>
        </Group>
      ),
    });
  };
}
