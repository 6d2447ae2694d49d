// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Button, Group, Modal, Stack } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useMay } from '../api/grants';
import { useDeleteScope } from '../api/mutations';
import { scopesQuery } from '../api/queries';
import type { Scope } from '../api/types';
import { Empty } from '../components/Empty';
import { Icon } from '../components/Icon';
import { Page } from '../components/Page';
import { ProblemText } from '../components/ProblemText';
import { Waiting } from '../components/Waiting';
import { ScopeCard } from '../features/scope/ScopeCard';
import { ScopeEditor } from '../features/scope/ScopeEditor';
import { plural } from '../lib/format';

export function Scopes() {
  const query = useQuery(scopesQuery);
  const mayWrite = useMay('write');
  const [editing, setEditing] = useState<Scope>();
  const [deleting, setDeleting] = useState<Scope>();
  const [opened, editor] = useDisclosure(false);
  if (!query.data) return <Waiting query={query} title="Scopes" />;
  const { items } = query.data;
  const edit = (scope: Scope | undefined) => {
    setEditing(scope);
    editor.open();
  };
  return (
    <Page
      title="Scopes"
      lead={
        <span>
          {plural(items.length, 'scope')}. A scope says what may be looked at; nothing outside one is ever
          touched.
        </span>
      }
      tools={
        mayWrite && (
          <Button leftSection={<Icon name="plus" size={13} />} onClick={() => edit(undefined)}>
            New scope
          </Button>
        )
      }
    >
      {items.map((s) => (
        <ScopeCard key={s.id} scope={s} onEdit={() => edit(s)} onDelete={() => setDeleting(s)} />
      ))}
      {items.length === 0 && (
        <Empty
          title="No scope yet"
          text="Name addresses, domains, folders or reports that belong to you, and who owns them. Then start a cycle over it."
          action={mayWrite && <Button onClick={() => edit(undefined)}>Write the first scope</Button>}
        />
      )}
      <ScopeEditor scope={editing} opened={opened} onClose={editor.close} />
      <Modal
        opened={deleting !== undefined}
        onClose={() => setDeleting(undefined)}
        title={`Delete scope ${deleting?.name}?`}
      >
        {deleting && <DeleteScope scope={deleting} onClose={() => setDeleting(undefined)} />}
      </Modal>
    </Page>
  );
}

function DeleteScope({ scope, onClose }: { scope: Scope; onClose: () => void }) {
  const remove = useDeleteScope();
  return (
    <Stack>
      <div>
        Its {plural(scope.targets.length, 'target')} will no longer be looked at. Assets and exposures that
        were found stay. This cannot be undone; its YAML, under Edit, brings it back.
      </div>
      <ProblemText error={remove.error} />
      <Group justify="flex-end">
        <Button variant="default" onClick={onClose}>
          Keep it
        </Button>
        <Button
          color="wine"
          loading={remove.isPending}
          onClick={() => remove.mutate(scope.id, { onSuccess: onClose })}
        >
          Delete scope
        </Button>
      </Group>
    </Stack>
  );
}
