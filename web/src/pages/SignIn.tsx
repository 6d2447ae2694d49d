// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Button, PasswordInput, Stack, TextInput } from '@mantine/core';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { type FormEvent, useCallback, useEffect, useState } from 'react';
import { useSignIn } from '../api/mutations';
import { ProblemText } from '../components/ProblemText';
import { Wordmark } from '../components/shell/NavLinks';
import { PasswordForm } from '../features/account/PasswordDialog';
import { bladePath, blades } from '../lib/swirl';
import classes from './SignIn.module.css';

const shapes = blades().map((blade) => bladePath(blade));

/** The gyre, larger than the page. */
function Backdrop() {
  return (
    <svg className={classes.backdrop} aria-hidden viewBox="-110 -110 220 220">
      {shapes.map((d) => (
        <path key={d} d={d} />
      ))}
    </svg>
  );
}

/** The token of a one-time link. It is taken out of the address bar and of the history at once. */
function takeToken(): string | undefined {
  const token = new URLSearchParams(window.location.hash.slice(1)).get('token');
  if (!token) return undefined;
  window.history.replaceState(window.history.state, '', window.location.pathname + window.location.search);
  return token;
}

export function SignIn() {
  const [mustSet, setMustSet] = useState(false);
  const { next } = useSearch({ from: '/sign-in' });
  const navigate = useNavigate();
  const signIn = useSignIn();
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');

  const enter = useCallback(() => void navigate({ href: next ?? '/', replace: true }), [navigate, next]);

  const { mutate } = signIn;
  useEffect(() => {
    document.title = 'Sign in · Gyre';
    // A link can be opened in a tab that shows this page already; then only the fragment changes.
    const followLink = () => {
      const token = takeToken();
      if (!token) return;
      mutate(
        { one_time_token: token },
        { onSuccess: (s) => (s.account.must_change ? setMustSet(true) : enter()) },
      );
    };
    followLink();
    window.addEventListener('hashchange', followLink);
    return () => window.removeEventListener('hashchange', followLink);
  }, [mutate, enter]);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    signIn.mutate({ name, password }, { onSuccess: enter });
  };

  return (
    <div className={classes.page}>
      <div className={classes.brand} aria-hidden>
        <Wordmark />
        <Backdrop />
        <p>What is exposed, what to fix first, and the proof that it is fixed.</p>
      </div>
      <main className={classes.card}>
        {mustSet ? (
          <>
            <h1>Set a password</h1>
            <p className="gy-dim">
              You are signed in. The link you used works only once; a password lets you come back.
            </p>
            <PasswordForm askCurrent={false} onDone={enter} onLater={enter} />
          </>
        ) : (
          <>
            <h1>Sign in</h1>
            <form onSubmit={submit}>
              <Stack>
                <TextInput
                  label="Name"
                  name="username"
                  autoComplete="username"
                  required
                  data-autofocus
                  value={name}
                  onChange={(e) => setName(e.currentTarget.value)}
                />
                <PasswordInput
                  label="Password"
                  name="password"
                  autoComplete="current-password"
                  required
                  value={password}
                  onChange={(e) => setPassword(e.currentTarget.value)}
                />
                <ProblemText error={signIn.error} />
                <Button type="submit" size="sm" loading={signIn.isPending}>
                  Sign in
                </Button>
                <p className={classes.hint}>
                  No account yet, or password lost? On the server’s machine, <code>gyre user link</code>{' '}
                  prints a link that signs you in once.
                </p>
              </Stack>
            </form>
          </>
        )}
      </main>
    </div>
  );
}
