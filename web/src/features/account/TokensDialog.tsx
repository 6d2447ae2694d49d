// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Button, Group, Modal, Select, Stack, Table, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useCreateToken, useDeleteToken } from '../../api/mutations';
import { tokensQuery } from '../../api/queries';
import { Command } from '../../components/Command';
import { ProblemText } from '../../components/ProblemText';
import { ago, day, known } from '../../lib/format';
import { useNow } from '../../lib/now';

const lifetimes = [
  { value: '30', label: '30 days' },
  { value: '90', label: '90 days' },
  { value: '365', label: 'One year' },
];

export function TokensDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  return (
    <Modal opened={opened} onClose={onClose} title="API tokens" size="lg">
      <Tokens />
    </Modal>
  );
}

function Tokens() {
  const { data } = useQuery(tokensQuery);
  const create = useCreateToken();
  const remove = useDeleteToken();
  const now = useNow(60_000);
  const [name, setName] = useState('');
  const [scope, setScope] = useState('read');
  const [days, setDays] = useState('90');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const expires = new Date(Date.now() + Number(days) * 86_400_000).toISOString();
    create.mutate(
      { name, scopes: scope === 'write' ? ['read', 'write'] : ['read'], expires },
      { onSuccess: () => setName('') },
    );
  };
  return (
    <Stack>
      <form onSubmit={submit}>
        <Group align="flex-end">
          <TextInput
            label="Name"
            placeholder="ci"
            required
            value={name}
            onChange={(e) => setName(e.currentTarget.value)}
          />
          <Select
            label="May"
            w={150}
            value={scope}
            onChange={(v) => setScope(v ?? 'read')}
            data={[
              { value: 'read', label: 'read' },
              { value: 'write', label: 'read and write' },
            ]}
          />
          <Select label="Lives" w={120} value={days} onChange={(v) => setDays(v ?? '90')} data={lifetimes} />
          <Button type="submit" size="sm" loading={create.isPending}>
            Create token
          </Button>
        </Group>
      </form>
      <ProblemText error={create.error ?? remove.error} />
      {create.data && (
        <div>
          <Text size="sm" fw={600}>
            Copy it now: it is not shown again.
          </Text>
          <Command text={create.data.secret} />
        </div>
      )}
      {data && data.items.length > 0 ? (
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Name</Table.Th>
              <Table.Th>May</Table.Th>
              <Table.Th>Ends</Table.Th>
              <Table.Th>Last used</Table.Th>
              <Table.Th>
                <span className="gy-hidden">Revoke</span>
              </Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {data.items.map((t) => (
              <Table.Tr key={t.id}>
                <Table.Td>{t.name}</Table.Td>
                <Table.Td>{t.scopes.join(', ')}</Table.Td>
                <Table.Td>{known(t.expires) ? day(t.expires) : 'never'}</Table.Td>
                <Table.Td>{ago(t.last_used, now)}</Table.Td>
                <Table.Td ta="right">
                  <Button
                    variant="default"
                    aria-label={`Revoke token ${t.name}`}
                    onClick={() => remove.mutate(t.id)}
                  >
                    Revoke
                  </Button>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      ) : (
        <Text size="sm" c="dimmed">
          No tokens yet. Programs send one as “Authorization: Bearer TOKEN”.
        </Text>
      )}
    </Stack>
  );
}
