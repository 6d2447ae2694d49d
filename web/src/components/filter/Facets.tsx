// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { UnstyledButton } from '@mantine/core';
import { chosen, type FilterField, toggleValue } from '../../lib/cel';
import { count } from '../../lib/format';
import { title } from '../../lib/words';
import { BandSteps } from '../Band';
import classes from './Facets.module.css';

export interface FacetValue {
  value: string;
  count: number;
}

interface FacetsProps {
  facets: Record<string, FacetValue[]>;
  names: readonly string[];
  fields: readonly FilterField[];
  filter: string;
  onChange: (filter: string) => void;
}

const facetTitle: Record<string, string> = {
  severity: 'Severity',
  band: 'Risk band',
  state: 'State',
  class: 'Class',
  sources: 'Seen by',
  'asset.zone': 'Zone',
  'asset.kind': 'Asset kind',
  'asset.owner': 'Owner',
};

const shownValues = 8;

/** Counts of the filtered rows by field. A value that is pressed is a term of the filter. */
export function Facets({ facets, names, fields, filter, onChange }: FacetsProps) {
  return (
    <div className={classes.facets}>
      {names.map((name) => {
        const values = ordered(facets[name] ?? [], fields.find((f) => f.name === name)?.values);
        if (values.length === 0) return null;
        const type = fields.find((f) => f.name === name)?.type ?? 'text';
        const pressed = chosen(filter, name, type).map((v) => v.toLowerCase());
        const most = Math.max(...values.map((v) => v.count), 1);
        return (
          <section key={name}>
            <h2 className={classes.title}>{facetTitle[name] ?? title(name)}</h2>
            <ul className={classes.values}>
              {values.slice(0, shownValues).map((v) => (
                <li key={v.value}>
                  <UnstyledButton
                    className={classes.value}
                    aria-pressed={pressed.includes(v.value.toLowerCase())}
                    onClick={() => onChange(toggleValue(filter, name, type, v.value))}
                  >
                    {name === 'band' && <BandSteps band={v.value} />}
                    <span className="gy-ellipsis">
                      {v.value === '' ? 'Not known' : title(v.value.toLowerCase())}
                    </span>
                    <span className={classes.count}>{count(v.count)}</span>
                    <span
                      className={classes.bar}
                      style={{ width: `${(v.count / most) * 100}%` }}
                      aria-hidden
                    />
                  </UnstyledButton>
                </li>
              ))}
            </ul>
          </section>
        );
      })}
    </div>
  );
}

/** Ordered words (severities from worst, states by life) keep their order; others go by count. */
function ordered(values: FacetValue[], order: string[] | undefined): FacetValue[] {
  if (!order) return [...values].sort((a, b) => b.count - a.count);
  const lower = order.map((o) => o.toLowerCase());
  if (lower[0] === 'info') lower.reverse();
  const rank = (v: FacetValue): number => {
    const i = lower.indexOf(v.value.toLowerCase());
    return i < 0 ? lower.length : i;
  };
  return lower.length > 9
    ? [...values].sort((a, b) => b.count - a.count)
    : [...values].sort((a, b) => rank(a) - rank(b));
}
