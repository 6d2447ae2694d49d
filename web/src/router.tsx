// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import type { QueryClient } from '@tanstack/react-query';
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router';
import { sessionQuery } from './api/queries';
import { PageError } from './components/PageError';
import { Shell } from './components/shell/Shell';
import { NotFound } from './pages/NotFound';
import { SignIn } from './pages/SignIn';

interface Context {
  queries: QueryClient;
}

const rootRoute = createRootRouteWithContext<Context>()({ component: Outlet, notFoundComponent: NotFound });

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/** Search values that look like numbers or booleans to the router are texts here. */
const search = (value: unknown): string | undefined =>
  text(typeof value === 'number' || typeof value === 'boolean' ? String(value) : value);

const signInRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/sign-in',
  component: SignIn,
  validateSearch: (s: Record<string, unknown>): { next?: string } => {
    const next = text(s.next);
    // Only places of this console: a link must not send people elsewhere after signing in.
    return next?.startsWith('/') && !next.startsWith('//') && !next.includes('\\') ? { next } : {};
  },
});

const shellRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: 'shell',
  component: Shell,
  errorComponent: PageError,
  beforeLoad: async ({ context, location }) => {
    const session = await context.queries.ensureQueryData(sessionQuery);
    if (!session)
      throw redirect({ to: '/sign-in', search: location.href === '/' ? {} : { next: location.href } });
  },
});

const parent = { getParentRoute: () => shellRoute };

const listSearch = (s: Record<string, unknown>): { filter?: string; sort?: string; as_of?: string } => {
  // An empty filter differs from none: none is the list's own default.
  const filter = s.filter === '' ? '' : search(s.filter);
  const sort = search(s.sort);
  const as_of = search(s.as_of);
  return { ...(filter !== undefined && { filter }), ...(sort && { sort }), ...(as_of && { as_of }) };
};

const routes = [
  createRoute({
    ...parent,
    path: '/',
    component: lazyRouteComponent(() => import('./pages/Overview'), 'Overview'),
  }),
  createRoute({
    ...parent,
    path: '/exposures',
    validateSearch: listSearch,
    component: lazyRouteComponent(() => import('./pages/Exposures'), 'Exposures'),
  }),
  createRoute({
    ...parent,
    path: '/exposures/$id',
    component: lazyRouteComponent(() => import('./pages/Exposure'), 'Exposure'),
  }),
  createRoute({
    ...parent,
    path: '/assets',
    validateSearch: listSearch,
    component: lazyRouteComponent(() => import('./pages/Assets'), 'Assets'),
  }),
  createRoute({
    ...parent,
    path: '/assets/$id',
    component: lazyRouteComponent(() => import('./pages/Asset'), 'Asset'),
  }),
  createRoute({
    ...parent,
    path: '/identities',
    component: lazyRouteComponent(() => import('./pages/Identities'), 'Identities'),
  }),
  createRoute({
    ...parent,
    path: '/actions',
    validateSearch: (s: Record<string, unknown>): { state?: string } => {
      const state = search(s.state);
      return state ? { state } : {};
    },
    component: lazyRouteComponent(() => import('./pages/Actions'), 'Actions'),
  }),
  createRoute({
    ...parent,
    path: '/actions/$id',
    component: lazyRouteComponent(() => import('./pages/Action'), 'Action'),
  }),
  createRoute({
    ...parent,
    path: '/cycles',
    component: lazyRouteComponent(() => import('./pages/Cycles'), 'Cycles'),
  }),
  createRoute({
    ...parent,
    path: '/cycles/$id',
    component: lazyRouteComponent(() => import('./pages/Cycle'), 'Cycle'),
  }),
  createRoute({
    ...parent,
    path: '/imports',
    component: lazyRouteComponent(() => import('./pages/Imports'), 'Imports'),
  }),
  createRoute({
    ...parent,
    path: '/imports/$id',
    component: lazyRouteComponent(() => import('./pages/Import'), 'Import'),
  }),
  createRoute({
    ...parent,
    path: '/jobs',
    component: lazyRouteComponent(() => import('./pages/Jobs'), 'Jobs'),
  }),
  createRoute({
    ...parent,
    path: '/scopes',
    component: lazyRouteComponent(() => import('./pages/Scopes'), 'Scopes'),
  }),
] as const;

export function createConsoleRouter(queries: QueryClient) {
  return createRouter({
    routeTree: rootRoute.addChildren([signInRoute, shellRoute.addChildren(routes)]),
    context: { queries },
    defaultPreload: 'intent',
    defaultErrorComponent: PageError,
    scrollRestoration: true,
  });
}
