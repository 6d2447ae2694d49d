// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Autocomplete, Button, Select, TextInput } from '@mantine/core';
import type { Target } from '../../api/types';
import classes from './Scope.module.css';

const kinds = [
  { value: 'cidr', label: 'Addresses' },
  { value: 'domain', label: 'Domain' },
  { value: 'root', label: 'Root folder of a host' },
  { value: 'file', label: 'File or folder to import' },
] as const;

type Kind = (typeof kinds)[number]['value'];

interface FieldSpec {
  key: keyof Target;
  label: string;
  hint?: string;
}

const fields: Record<Kind, FieldSpec[]> = {
  cidr: [
    { key: 'cidr', label: 'Address or CIDR', hint: '10.1.0.0/24' },
    { key: 'ports', label: 'Ports', hint: 'common ones, or 22,80,8000-8100' },
  ],
  domain: [
    { key: 'domain', label: 'Domain', hint: 'shop.example' },
    { key: 'nameserver', label: 'Name server', hint: 'the system’s, or host:port' },
  ],
  root: [
    { key: 'root', label: 'Root folder', hint: '/ is this machine' },
    { key: 'asset', label: 'Asset name' },
    { key: 'address', label: 'Its address in the zone' },
  ],
  file: [
    { key: 'file', label: 'File or folder' },
    { key: 'format', label: 'Format', hint: 'detected' },
    { key: 'asset', label: 'Asset name' },
  ],
};

const zones = ['internet', 'dmz', 'internal', 'management'];

function kindOf(t: Target): Kind {
  return kinds.find((k) => t[k.value] !== undefined)?.value ?? 'cidr';
}

interface TargetFieldsProps {
  index: number;
  target: Target;
  errorOf: (place: string) => string | undefined;
  onChange: (t: Target) => void;
  onRemove: () => void;
}

/** One thing that a scope lets Gyre look at. */
export function TargetFields({ index, target, errorOf, onChange, onRemove }: TargetFieldsProps) {
  const kind = kindOf(target);
  const set = (key: keyof Target, value: string) => {
    const next = { ...target, [key]: value };
    if (value === '' && key !== kind) delete next[key];
    onChange(next);
  };
  return (
    <fieldset className={classes.target}>
      <legend>Target {index + 1}</legend>
      <div className={classes.grid}>
        <Select
          label="Kind"
          data={[...kinds]}
          value={kind}
          onChange={(v) =>
            onChange({ [(v ?? 'cidr') as Kind]: '', ...(target.zone && { zone: target.zone }) })
          }
        />
        <Autocomplete
          label="Zone"
          placeholder="not known"
          data={zones}
          value={target.zone ?? ''}
          onChange={(v) => set('zone', v)}
        />
        {fields[kind].map((f) => (
          <TextInput
            key={f.key}
            label={f.label}
            placeholder={f.hint}
            required={f.key === kind}
            value={target[f.key] ?? ''}
            error={errorOf(`targets[${index}].${f.key}`)}
            onChange={(e) => set(f.key, e.currentTarget.value)}
          />
        ))}
      </div>
      <Button variant="subtle" mt={8} onClick={onRemove} aria-label={`Remove target ${index + 1}`}>
        Remove
      </Button>
    </fieldset>
  );
}
