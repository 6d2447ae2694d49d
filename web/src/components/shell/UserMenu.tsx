// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { type MantineColorScheme, Menu, UnstyledButton, useMantineColorScheme } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useNavigate } from '@tanstack/react-router';
import { useSignOut } from '../../api/mutations';
import type { Session } from '../../api/types';
import { PasswordDialog } from '../../features/account/PasswordDialog';
import { TokensDialog } from '../../features/account/TokensDialog';
import { Icon } from '../Icon';
import { KeysDialog } from './KeysDialog';
import classes from './Shell.module.css';

const schemes: { value: MantineColorScheme; label: string }[] = [
  { value: 'light', label: 'Light' },
  { value: 'dark', label: 'Dark' },
  { value: 'auto', label: 'As the system' },
];

export function UserMenu({ session }: { session: Session | undefined }) {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const [password, passwordDialog] = useDisclosure(false);
  const [tokens, tokensDialog] = useDisclosure(false);
  const [keys, keysDialog] = useDisclosure(false);
  const signOut = useSignOut();
  const navigate = useNavigate();
  const name = session?.account.name ?? '';
  return (
    <>
      <Menu position="bottom-end" width={230} withinPortal>
        <Menu.Target>
          <UnstyledButton className={classes.user} aria-label={`Account ${name}`}>
            <Icon name="user" size={17} />
            <span className={classes.userName}>{name}</span>
            <Icon name="down" size={12} />
          </UnstyledButton>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>Appearance</Menu.Label>
          {schemes.map(({ value, label }) => (
            <Menu.Item
              key={value}
              role="menuitemradio"
              aria-checked={colorScheme === value}
              closeMenuOnClick={false}
              rightSection={colorScheme === value && <Icon name="check" size={14} />}
              onClick={() => setColorScheme(value)}
            >
              {label}
            </Menu.Item>
          ))}
          <Menu.Divider />
          <Menu.Item onClick={keysDialog.open}>Keyboard keys</Menu.Item>
          <Menu.Item onClick={tokensDialog.open}>API tokens</Menu.Item>
          <Menu.Item onClick={passwordDialog.open}>Change password</Menu.Item>
          <Menu.Divider />
          <Menu.Item
            onClick={() => signOut.mutate(undefined, { onSettled: () => void navigate({ to: '/sign-in' }) })}
          >
            Sign out
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <PasswordDialog opened={password} onClose={passwordDialog.close} />
      <TokensDialog opened={tokens} onClose={tokensDialog.close} />
      <KeysDialog opened={keys} onClose={keysDialog.close} />
    </>
  );
}
