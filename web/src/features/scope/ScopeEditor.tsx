// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Button, Drawer, FileButton, Group, SegmentedControl, Stack, Textarea } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { type FormEvent, useState } from 'react';
import { Problem } from '../../api/client';
import { useSaveScope } from '../../api/mutations';
import type { Scope, ScopeInput } from '../../api/types';
import { ProblemText } from '../../components/ProblemText';
import { parseScope, scopeYaml } from '../../lib/scopeText';
import classes from './Scope.module.css';
import { ScopeForm } from './ScopeForm';

interface ScopeEditorProps {
  /** The scope to change; undefined makes a new one. */
  scope: Scope | undefined;
  opened: boolean;
  onClose: () => void;
}

export function ScopeEditor({ scope, opened, onClose }: ScopeEditorProps) {
  return (
    <Drawer
      opened={opened}
      onClose={onClose}
      position="right"
      size={680}
      title={scope ? `Edit scope ${scope.name}` : 'New scope'}
      closeButtonProps={{ 'aria-label': 'Close without saving' }}
    >
      <Editor key={scope?.id ?? 'new'} scope={scope} onClose={onClose} />
    </Drawer>
  );
}

const blank: ScopeInput = { name: '', targets: [{ cidr: '' }] };
const maxYamlBytes = 1 << 20;

function inputOf(scope: Scope | undefined): ScopeInput {
  if (!scope) return blank;
  const { id: _id, created: _created, updated: _updated, ...input } = scope;
  return input;
}

function Editor({ scope, onClose }: Omit<ScopeEditorProps, 'opened'>) {
  const save = useSaveScope(scope?.id);
  const [draft, setDraft] = useState<ScopeInput>(() => inputOf(scope));
  const [view, setView] = useState('form');
  const [yaml, setYaml] = useState('');
  const [yamlError, setYamlError] = useState<string>();

  /** The draft as the view in front says it; undefined when the YAML cannot be read. */
  const current = (): ScopeInput | undefined => {
    if (view === 'form') return draft;
    const read = parseScope(yaml);
    setYamlError('error' in read ? read.error : undefined);
    return 'scope' in read ? read.scope : undefined;
  };
  const show = (next: string) => {
    const now = current();
    if (!now) return;
    setDraft(now);
    setYaml(scopeYaml(now));
    setView(next);
  };
  const load = async (file: File | null) => {
    if (!file) return;
    if (file.size > maxYamlBytes) return setYamlError(`${file.name} is larger than 1 MiB.`);
    setYaml(await file.text());
    setYamlError(undefined);
    setView('yaml');
  };
  const places = save.error instanceof Problem ? save.error.places : [];
  const errorOf = (place: string) =>
    places.find((p) => p.location?.replace(/^body\./, '') === place)?.message;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const now = current();
    if (!now) return;
    save.mutate(now, {
      onSuccess: (saved) => {
        notifications.show({ message: `Scope ${saved.name} saved.` });
        onClose();
      },
    });
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <Group justify="space-between">
          <SegmentedControl
            aria-label="How to write it"
            value={view}
            onChange={show}
            data={[
              { value: 'form', label: 'Form' },
              { value: 'yaml', label: 'YAML' },
            ]}
          />
          <FileButton onChange={(f) => void load(f)} accept=".yaml,.yml">
            {(props) => (
              <Button variant="default" {...props}>
                Load a YAML file
              </Button>
            )}
          </FileButton>
        </Group>
        {view === 'form' ? (
          <ScopeForm scope={draft} onChange={setDraft} errorOf={errorOf} />
        ) : (
          <Textarea
            label="Scope in YAML"
            description="The same text works with gyre scope apply -f"
            className={classes.yaml}
            autosize
            minRows={16}
            maxRows={34}
            spellCheck={false}
            value={yaml}
            error={yamlError}
            onChange={(e) => setYaml(e.currentTarget.value)}
          />
        )}
        <ProblemText error={save.error} />
        <Group justify="flex-end">
          <Button variant="default" size="sm" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" size="sm" loading={save.isPending}>
            Save scope
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
