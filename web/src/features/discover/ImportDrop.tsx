// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Button, FileButton } from '@mantine/core';
import { type DragEvent, useState } from 'react';
import { Icon } from '../../components/Icon';
import classes from './Imports.module.css';

/** Takes files by button or by dropping them. */
export function ImportDrop({ onFiles }: { onFiles: (files: File[]) => void }) {
  const [over, setOver] = useState(false);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const files = [...event.dataTransfer.files];
    if (files.length > 0) onFiles(files);
  };
  return (
    <section
      className={classes.drop}
      aria-label="Import reports"
      data-over={over || undefined}
      onDragOver={(e) => {
        e.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <div className={classes.dropText}>
        <p>
          <strong>Reports of other tools: drop files here</strong>
        </p>
        <p className="gy-dim">
          Plain, gzip or zip. The format is found from the content. A report is checked as a whole before
          anything of it is stored.
        </p>
      </div>
      <FileButton multiple onChange={(files) => files.length > 0 && onFiles(files)}>
        {(props) => (
          <Button {...props} leftSection={<Icon name="plus" size={13} />}>
            Choose files
          </Button>
        )}
      </FileButton>
    </section>
  );
}
