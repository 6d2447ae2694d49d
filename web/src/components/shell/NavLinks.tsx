// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Link } from '@tanstack/react-router';
import { bladePath, blades } from '../../lib/swirl';
import { Icon, type IconName } from '../Icon';
import classes from './Shell.module.css';

const places: { to: string; title: string; icon: IconName }[] = [
  { to: '/', title: 'Overview', icon: 'overview' },
  { to: '/exposures', title: 'Exposures', icon: 'exposures' },
  { to: '/assets', title: 'Assets', icon: 'assets' },
  { to: '/actions', title: 'Actions', icon: 'actions' },
  { to: '/cycles', title: 'Cycles', icon: 'cycles' },
  { to: '/imports', title: 'Imports', icon: 'imports' },
  { to: '/jobs', title: 'Jobs', icon: 'jobs' },
  { to: '/scopes', title: 'Scopes', icon: 'scopes' },
];

export function NavLinks() {
  return (
    <nav aria-label="Main">
      <ul className={classes.links}>
        {places.map(({ to, title, icon }) => (
          <li key={to}>
            <Link
              to={to}
              className={classes.link}
              activeProps={{ 'data-active': true, 'aria-current': 'page' }}
              activeOptions={{ exact: to === '/', includeSearch: false }}
            >
              <Icon name={icon} size={17} />
              {title}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}

const mark = blades(true).map((blade) => bladePath(blade));

export function Wordmark() {
  return (
    <span className={classes.wordmark}>
      <svg width="24" height="24" viewBox="-110 -110 220 220" aria-hidden>
        {mark.map((d) => (
          <path key={d} d={d} fill="currentColor" />
        ))}
      </svg>
      gyre
    </span>
  );
}
