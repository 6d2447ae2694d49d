// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { CopyButton, UnstyledButton } from '@mantine/core';
import classes from './Command.module.css';
import { Icon } from './Icon';

/** Text to run or paste, word for word, with a button that copies it. */
export function Command({ text, label = 'command' }: { text: string; label?: string }) {
  const lines = text.includes('\n');
  return (
    <div className={classes.command}>
      <pre className={classes.text} tabIndex={lines ? 0 : undefined}>
        {text}
      </pre>
      <CopyButton value={text}>
        {({ copied, copy }) => (
          <UnstyledButton
            className={classes.copy}
            onClick={copy}
            aria-label={`Copy ${label}: ${text.slice(0, 60)}`}
          >
            <Icon name={copied ? 'check' : 'copy'} size={14} />
            <span aria-live="polite">{copied ? 'Copied' : 'Copy'}</span>
          </UnstyledButton>
        )}
      </CopyButton>
    </div>
  );
}
