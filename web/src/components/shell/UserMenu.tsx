// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import {
  type MantineColorScheme,
  Popover,
  SegmentedControl,
  UnstyledButton,
  useMantineColorScheme,
} from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useNavigate } from '@tanstack/react-router';
import { useSignOut } from '../../api/mutations';
import type { Session } from '../../api/types';
import { PasswordDialog } from '../../features/account/PasswordDialog';
import { TokensDialog } from '../../features/account/TokensDialog';
import { Icon } from '../Icon';
import { KeysDialog } from './KeysDialog';
import classes from './Shell.module.css';

export function UserMenu({ session }: { session: Session | undefined }) {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const [opened, panel] = useDisclosure(false);
  const [password, passwordDialog] = useDisclosure(false);
  const [tokens, tokensDialog] = useDisclosure(false);
  const [keys, keysDialog] = useDisclosure(false);
  const signOut = useSignOut();
  const navigate = useNavigate();
  const leave = () => signOut.mutate(undefined, { onSettled: () => void navigate({ to: '/sign-in' }) });
  const entries: [string, () => void][] = [
    ['Keyboard keys', keysDialog.open],
    ['API tokens', tokensDialog.open],
    ['Change password', passwordDialog.open],
    ['Sign out', leave],
  ];
  const name = session?.account.name ?? '';
  return (
    <>
      <Popover
        opened={opened}
        onChange={panel.toggle}
        position="bottom-end"
        width={236}
        trapFocus
        returnFocus
      >
        <Popover.Target>
          <UnstyledButton className={classes.user} aria-label={`Account ${name}`} onClick={panel.toggle}>
            <Icon name="user" size={17} />
            <span className={classes.userName}>{name}</span>
            <Icon name="down" size={12} />
          </UnstyledButton>
        </Popover.Target>
        <Popover.Dropdown p={8} aria-label="Account">
          <SegmentedControl
            fullWidth
            mb={8}
            aria-label="Appearance"
            value={colorScheme}
            onChange={(v) => setColorScheme(v as MantineColorScheme)}
            data={[
              { value: 'light', label: 'Light' },
              { value: 'dark', label: 'Dark' },
              { value: 'auto', label: 'System' },
            ]}
          />
          {entries.map(([label, open]) => (
            <UnstyledButton
              key={label}
              className={classes.entry}
              onClick={() => {
                panel.close();
                open();
              }}
            >
              {label}
            </UnstyledButton>
          ))}
        </Popover.Dropdown>
      </Popover>
      <PasswordDialog opened={password} onClose={passwordDialog.close} />
      <TokensDialog opened={tokens} onClose={tokensDialog.close} />
      <KeysDialog opened={keys} onClose={keysDialog.close} />
    </>
  );
}
