// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import classes from './DataList.module.css';

/** Facts as a source reported them: names and values, nested ones indented. */
export function DataList({ data }: { data: Record<string, unknown> }) {
  const entries = Object.entries(data);
  if (entries.length === 0) return null;
  return (
    <dl className={classes.list}>
      {entries.map(([key, value]) => (
        <div key={key} className={classes.entry}>
          <dt>{key.replaceAll('_', ' ')}</dt>
          <dd>
            <Value value={value} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Value({ value }: { value: unknown }) {
  if (value === null || value === undefined || value === '') return <span className="gy-dim">empty</span>;
  if (typeof value === 'boolean') return <>{value ? 'yes' : 'no'}</>;
  if (Array.isArray(value)) {
    if (value.length === 0) return <span className="gy-dim">none</span>;
    if (value.every((v) => typeof v !== 'object'))
      return <span className="gy-mono">{value.map(String).join(', ')}</span>;
    return <pre className={classes.json}>{JSON.stringify(value, null, 2)}</pre>;
  }
  if (typeof value === 'object') return <DataList data={value as Record<string, unknown>} />;
  return <span className="gy-mono">{String(value)}</span>;
}
