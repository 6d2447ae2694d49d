// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useMay } from '../api/grants';
import { importsQuery } from '../api/queries';
import { Empty } from '../components/Empty';
import { Page, Panel } from '../components/Page';
import { Waiting } from '../components/Waiting';
import { ImportDialog } from '../features/discover/ImportDialog';
import { ImportDrop } from '../features/discover/ImportDrop';
import { ImportTable } from '../features/discover/ImportTable';
import { plural } from '../lib/format';
import { importEnded } from '../lib/imports';
import { useNow } from '../lib/now';

export function Imports() {
  const query = useQuery(importsQuery);
  const mayWrite = useMay('write');
  const [files, setFiles] = useState<File[]>([]);
  const imports = query.data?.items ?? [];
  const moving = imports.filter((i) => !importEnded(i)).length;
  const now = useNow(moving > 0 ? 1000 : 60_000);
  if (!query.data) return <Waiting query={query} title="Imports" />;
  return (
    <Page
      title="Imports"
      lead={
        <output>
          {plural(imports.length, 'report')}, newest first{moving > 0 && `; ${moving} under way`}
        </output>
      }
    >
      {mayWrite && <ImportDrop onFiles={setFiles} />}
      {imports.length > 0 ? (
        <Panel title="Reports handed in" flush>
          <ImportTable imports={imports} now={now} />
        </Panel>
      ) : (
        <Empty
          title="No report has been handed in yet"
          text="Bring what your scanners found, here or with gyre import FILE. What several tools see of one thing becomes one exposure."
        />
      )}
      <ImportDialog files={files} onClose={() => setFiles([])} />
    </Page>
  );
}
