// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Button, Group, Modal, Stack, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { type FormEvent, useState } from 'react';
import { useImport, usePreview } from '../../api/mutations';
import type { ImportPreview } from '../../api/types';
import { ProblemText } from '../../components/ProblemText';
import { count, day, known, plural } from '../../lib/format';
import { bytes } from '../../lib/imports';
import { title } from '../../lib/words';
import classes from './Imports.module.css';

/** Asks where the addresses of reports live, shows on request what they would change, and hands them in. */
export function ImportDialog({ files, onClose }: { files: File[]; onClose: () => void }) {
  return (
    <Modal
      opened={files.length > 0}
      onClose={onClose}
      size="lg"
      title={`Import ${plural(files.length, 'report')}`}
    >
      {files.length > 0 && <ImportForm files={files} onClose={onClose} />}
    </Modal>
  );
}

function ImportForm({ files, onClose }: { files: File[]; onClose: () => void }) {
  const [zone, setZone] = useState('');
  const [asset, setAsset] = useState('');
  const hand = useImport();
  const preview = usePreview();
  const reports = files.map((file) => ({ file, zone, asset }));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    hand.mutate(reports, {
      onSuccess: (kept) => {
        const again = kept.filter((k) => k.duplicate).length;
        notifications.show({
          message:
            again === 0
              ? `${plural(kept.length, 'report')} handed in.`
              : `${plural(again, 'report')} had been imported before; nothing was imported twice.`,
        });
        onClose();
      },
    });
  };
  const first = reports[0];
  return (
    <form onSubmit={submit}>
      <Stack>
        <div className={classes.name}>
          {files
            .slice(0, 8)
            .map((f) => `${f.name} (${bytes(f.size)})`)
            .join(', ')}
          {files.length > 8 && ` and ${files.length - 8} more`}
        </div>
        <TextInput
          label="Network zone"
          value={zone}
          onChange={(e) => setZone(e.currentTarget.value)}
          description="Where the addresses in it live: internet, dmz, internal, management or a word of your own. Empty: not said."
        />
        <TextInput
          label="Asset"
          value={asset}
          onChange={(e) => setAsset(e.currentTarget.value)}
          description="What findings belong to that name no asset themselves, such as a repository or an image."
        />
        {preview.data && <PreviewView preview={preview.data} />}
        <ProblemText error={hand.error ?? preview.error} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          {files.length === 1 && first && (
            <Button variant="default" loading={preview.isPending} onClick={() => preview.mutate(first)}>
              What would change?
            </Button>
          )}
          <Button type="submit" loading={hand.isPending}>
            Import
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** What an import would do. Nothing of it has happened. */
function PreviewView({ preview: p }: { preview: ImportPreview }) {
  return (
    <section aria-label="What would change">
      <p>
        {p.format}
        {known(p.looked) && `, looked on ${day(p.looked)}`}: {plural(p.counts.assets, 'asset')},{' '}
        {plural(p.counts.findings, 'finding')}.{' '}
        {p.changes.length === 0 ? 'Nothing would change.' : 'It would change this; nothing is stored yet.'}
      </p>
      <ul className={classes.changes}>
        {p.changes.map((c) => (
          <li key={`${c.object} ${c.kind}`}>
            <strong>
              {title(c.object)} {title(c.kind).toLowerCase()}: {count(c.count)}
            </strong>
            <div className={classes.examples}>
              {c.examples.join(', ')}
              {c.count > c.examples.length && c.examples.length > 0 && ' …'}
            </div>
          </li>
        ))}
      </ul>
      {p.problems && p.problems.length > 0 && (
        <p>
          {plural(p.problems.length, 'entry', 'entries')} could not be read, so nothing would be closed.
          First: {p.problems[0]?.place}: {p.problems[0]?.reason}
        </p>
      )}
    </section>
  );
}
