// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Button, Group, Modal, PasswordInput, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { type FormEvent, useState } from 'react';
import { useSetPassword } from '../../api/mutations';
import { ProblemText } from '../../components/ProblemText';

export function PasswordDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  return (
    <Modal opened={opened} onClose={onClose} title="Change password">
      <PasswordForm
        askCurrent
        onDone={() => {
          notifications.show({ message: 'Password changed.' });
          onClose();
        }}
      />
    </Modal>
  );
}

interface PasswordFormProps {
  askCurrent: boolean;
  onDone: () => void;
  onLater?: () => void;
}

export function PasswordForm({ askCurrent, onDone, onLater }: PasswordFormProps) {
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const [again, setAgain] = useState('');
  const set = useSetPassword();
  const differs = again !== '' && again !== next;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (next !== again) return;
    set.mutate({ new: next, ...(askCurrent && { current }) }, { onSuccess: onDone });
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        {askCurrent && (
          <PasswordInput
            label="Current password"
            autoComplete="current-password"
            required
            value={current}
            onChange={(e) => setCurrent(e.currentTarget.value)}
          />
        )}
        <PasswordInput
          label="New password"
          description="At least 12 characters. A sentence that only you know is good."
          autoComplete="new-password"
          required
          minLength={12}
          value={next}
          onChange={(e) => setNext(e.currentTarget.value)}
        />
        <PasswordInput
          label="New password again"
          autoComplete="new-password"
          required
          value={again}
          error={differs ? 'The two differ' : undefined}
          onChange={(e) => setAgain(e.currentTarget.value)}
        />
        <ProblemText error={set.error} />
        <Group justify="flex-end">
          {onLater && (
            <Button variant="default" onClick={onLater}>
              Later
            </Button>
          )}
          <Button type="submit" loading={set.isPending} disabled={next === '' || next !== again}>
            Set password
          </Button>
        </Group>
        {onLater && (
          <Text size="xs" c="dimmed">
            Without a password, sign in again with a new one-time link: gyre user link.
          </Text>
        )}
      </Stack>
    </form>
  );
}
