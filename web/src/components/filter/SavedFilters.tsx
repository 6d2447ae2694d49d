// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Button, Group, Menu, Modal, Stack, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useMay } from '../../api/grants';
import { useDeleteFilter, useSaveFilter } from '../../api/mutations';
import { filtersQuery } from '../../api/queries';
import { Icon } from '../Icon';
import { ProblemText } from '../ProblemText';

interface SavedFiltersProps {
  filter: string;
  onChange: (filter: string) => void;
}

export function SavedFilters({ filter, onChange }: SavedFiltersProps) {
  const { data } = useQuery(filtersQuery);
  const may = useMay('write');
  const remove = useDeleteFilter();
  const [opened, dialog] = useDisclosure(false);
  const saved = data?.items ?? [];
  const current = saved.find((f) => f.filter === filter);
  return (
    <>
      <Menu position="bottom-end" width={300} withInitialFocusPlaceholder={false}>
        <Menu.Target>
          <Button variant="default" size="sm" leftSection={<Icon name="star" size={14} />}>
            {current ? current.name : 'Saved filters'}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {saved.length === 0 && <Menu.Label>None yet. Write a filter, then save it here.</Menu.Label>}
          {saved.map((f) => (
            <Menu.Item key={f.id} onClick={() => onChange(f.filter)} title={f.filter}>
              {f.name}
            </Menu.Item>
          ))}
          <Menu.Divider />
          <Menu.Item disabled={!may || filter === '' || !!current} onClick={dialog.open}>
            Save this filter…
          </Menu.Item>
          {may && current && (
            <Menu.Item onClick={() => remove.mutate(current.id)}>Remove “{current.name}”</Menu.Item>
          )}
        </Menu.Dropdown>
      </Menu>
      <Modal opened={opened} onClose={dialog.close} title="Save this filter">
        <SaveForm filter={filter} onDone={dialog.close} />
      </Modal>
    </>
  );
}

function SaveForm({ filter, onDone }: { filter: string; onDone: () => void }) {
  const [name, setName] = useState('');
  const save = useSaveFilter();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate({ name, filter }, { onSuccess: onDone });
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <code className="gy-mono">{filter}</code>
        <TextInput
          label="Name"
          required
          data-autofocus
          placeholder="Known exploited, on the internet"
          value={name}
          onChange={(e) => setName(e.currentTarget.value)}
        />
        <ProblemText error={save.error} />
        <Group justify="flex-end">
          <Button type="submit" loading={save.isPending}>
            Save filter
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
