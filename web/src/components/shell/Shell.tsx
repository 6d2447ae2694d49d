// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { AppShell, Burger, Drawer } from '@mantine/core';
import { useDisclosure, useMediaQuery } from '@mantine/hooks';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Outlet, useNavigate, useRouterState } from '@tanstack/react-router';
import { useEffect } from 'react';
import { useLiveUpdates } from '../../api/live';
import { sessionQuery } from '../../api/queries';
import { CycleStatus } from './CycleStatus';
import { NavLinks, Wordmark } from './NavLinks';
import classes from './Shell.module.css';
import { UserMenu } from './UserMenu';

/** What every page stands in: navigation, the small ring, the account's menu, and the live connection. */
export function Shell() {
  const queries = useQueryClient();
  const { data: session } = useQuery(sessionQuery);
  const [opened, drawer] = useDisclosure(false);
  const wide = useMediaQuery('(min-width: 62em)', true);
  const path = useRouterState({ select: (s) => s.location.pathname });
  const navigate = useNavigate();
  useLiveUpdates(queries);

  useEffect(() => {
    if (session === null) void navigate({ to: '/sign-in' });
  }, [session, navigate]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new page closes the drawer
  useEffect(() => drawer.close(), [path]);

  return (
    <AppShell
      header={{ height: 52 }}
      navbar={{ width: 188, breakpoint: '62em', collapsed: { mobile: true } }}
      padding={0}
      layout="alt"
      withBorder={false}
    >
      <a className="gy-skip" href="#main">
        Skip to the page
      </a>
      <AppShell.Header className={classes.header}>
        {!wide && (
          <Burger
            opened={opened}
            onClick={drawer.toggle}
            size="sm"
            aria-label="Navigation"
            hiddenFrom="62em"
          />
        )}
        <CycleStatus />
        <div className={classes.spacer} />
        <UserMenu session={session ?? undefined} />
      </AppShell.Header>
      <AppShell.Navbar className={classes.navbar} component="div">
        <Wordmark />
        <NavLinks />
        <div className={classes.spacer} />
        {session && (
          <p className={classes.version}>
            {session.workspace.name}
            <br />
            Gyre {session.version}
          </p>
        )}
      </AppShell.Navbar>
      <Drawer
        opened={opened && !wide}
        onClose={drawer.close}
        size={240}
        title={<Wordmark />}
        classNames={{ content: classes.drawer, header: classes.drawer, close: classes.drawerClose }}
        closeButtonProps={{ 'aria-label': 'Close navigation' }}
      >
        <NavLinks />
      </Drawer>
      <AppShell.Main id="main" tabIndex={-1} className={classes.main}>
        <Outlet />
      </AppShell.Main>
    </AppShell>
  );
}
