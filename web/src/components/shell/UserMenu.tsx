// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Menu, SegmentedControl, UnstyledButton, useMantineColorScheme } from '@mantine/core';
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
          <SegmentedControl
            fullWidth
            aria-label="Appearance"
            m={6}
            value={colorScheme}
            onChange={(v) => setColorScheme(v as 'light' | 'dark' | 'auto')}
            data={[
              { value: 'light', label: 'Light' },
              { value: 'dark', label: 'Dark' },
              { value: 'auto', label: 'System' },
            ]}
          />
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
