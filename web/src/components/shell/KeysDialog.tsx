// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Kbd, Modal, Table } from '@mantine/core';

const keys: [string[], string][] = [
  [['j', '↓'], 'Next row'],
  [['k', '↑'], 'Previous row'],
  [['Enter'], 'Open the row'],
  [['x'], 'Select or deselect the row'],
  [['Esc'], 'Clear the selection'],
  [['/'], 'Go to the filter'],
];

export function KeysDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  return (
    <Modal opened={opened} onClose={onClose} title="Keyboard keys in lists">
      <Table>
        <Table.Tbody>
          {keys.map(([names, does]) => (
            <Table.Tr key={does}>
              <Table.Td>
                {names.map((k) => (
                  <Kbd key={k} mr={6}>
                    {k}
                  </Kbd>
                ))}
              </Table.Td>
              <Table.Td>{does}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Modal>
  );
}
