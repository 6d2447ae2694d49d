// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Button, Group, Modal, Select, Stack, TagsInput, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useEditAsset } from '../../api/mutations';
import type { Asset } from '../../api/types';
import { ProblemText } from '../../components/ProblemText';
import { criticalityTitle } from '../../lib/words';

interface AssetDialogProps {
  asset: Asset;
  opened: boolean;
  onClose: () => void;
}

/** What the business says of an asset. */
export function AssetDialog({ asset, opened, onClose }: AssetDialogProps) {
  return (
    <Modal opened={opened} onClose={onClose} title={`Edit ${asset.name}`}>
      <AssetForm asset={asset} onClose={onClose} />
    </Modal>
  );
}

function AssetForm({ asset, onClose }: Omit<AssetDialogProps, 'opened'>) {
  const edit = useEditAsset(asset.id);
  const [criticality, setCriticality] = useState(String(asset.criticality));
  const [owner, setOwner] = useState(asset.owner ?? '');
  const [tags, setTags] = useState(asset.tags ?? []);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    edit.mutate({ criticality: Number(criticality), owner, tags }, { onSuccess: onClose });
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <Select
          label="Criticality"
          description="How much the business depends on it. It raises or lowers the risk of its exposures."
          data={criticalityTitle.map((label, i) => ({ value: String(i), label }))}
          value={criticality}
          onChange={(v) => setCriticality(v ?? '0')}
        />
        <TextInput label="Owner" value={owner} onChange={(e) => setOwner(e.currentTarget.value)} />
        <TagsInput label="Tags" description="Press Enter after each" value={tags} onChange={setTags} />
        <ProblemText error={edit.error} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={edit.isPending}>
            Save
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
