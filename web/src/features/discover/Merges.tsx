// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useMay } from '../../api/grants';
import { useUndoMerge } from '../../api/mutations';
import type { Merge } from '../../api/types';
import { ProblemText } from '../../components/ProblemText';
import { known, moment } from '../../lib/format';
import classes from './Identity.module.css';

/** What turned out to be one, why, and a way back. */
export function Merges({ merges }: { merges: Merge[] }) {
  const mayWrite = useMay('write');
  const undo = useUndoMerge();
  return (
    <>
      <ProblemText error={undo.error} />
      <ul className={classes.list}>
        {merges.map((m) => (
          <li key={m.id} className={classes.entry}>
            <div>
              <strong>{m.from_name}</strong> is <Survivor of={m} />
              <div className={classes.why}>
                {moment(m.at)}: {m.reason}
                {known(m.undone) && `. Undone ${moment(m.undone)} by ${m.undone_by}.`}
              </div>
            </div>
            {mayWrite && !known(m.undone) && (
              <Button
                variant="default"
                aria-label={`Undo: ${m.from_name} is ${m.into_name}`}
                loading={undo.isPending && undo.variables === m.id}
                onClick={() => undo.mutate(m.id)}
              >
                Undo
              </Button>
            )}
          </li>
        ))}
      </ul>
    </>
  );
}

function Survivor({ of: m }: { of: Merge }) {
  if (m.object !== 'asset') return <strong>{m.into_name}</strong>;
  return (
    <Link to="/assets/$id" params={{ id: m.into }}>
      {m.into_name}
    </Link>
  );
}
