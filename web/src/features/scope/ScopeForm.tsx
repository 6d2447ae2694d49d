// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import {
  Autocomplete,
  Button,
  NumberInput,
  Select,
  Stack,
  TagsInput,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core';
import type { ScopeInput } from '../../api/types';
import { Icon } from '../../components/Icon';
import { criticalityTitle } from '../../lib/words';
import { HoursFields } from './HoursFields';
import classes from './Scope.module.css';
import { TargetFields } from './TargetFields';

const intensities = [
  { value: 'passive', label: 'Passive: nothing is sent to targets' },
  { value: 'gentle', label: 'Gentle: 20 connections a second' },
  { value: 'normal', label: 'Normal: 200 connections a second, checks that only read' },
];

interface ScopeFormProps {
  scope: ScopeInput;
  onChange: (scope: ScopeInput) => void;
  errorOf: (place: string) => string | undefined;
}

export function ScopeForm({ scope, onChange, errorOf }: ScopeFormProps) {
  const set = (part: Partial<ScopeInput>) => onChange({ ...scope, ...part });
  return (
    <Stack>
      <div className={classes.grid}>
        <TextInput
          label="Name"
          required
          maxLength={80}
          value={scope.name}
          error={errorOf('name')}
          onChange={(e) => set({ name: e.currentTarget.value })}
        />
        <Autocomplete label="Owner" value={scope.owner ?? ''} onChange={(v) => set({ owner: v })} />
      </div>
      <Textarea
        label="What it is for"
        autosize
        value={scope.description ?? ''}
        onChange={(e) => set({ description: e.currentTarget.value })}
      />
      {scope.targets.map((t, i) => (
        <TargetFields
          // biome-ignore lint/suspicious/noArrayIndexKey: targets have no name of their own and keep their order
          key={i}
          index={i}
          target={t}
          errorOf={errorOf}
          onChange={(next) => set({ targets: scope.targets.map((old, j) => (i === j ? next : old)) })}
          onRemove={() => set({ targets: scope.targets.filter((_, j) => i !== j) })}
        />
      ))}
      <div>
        <Button
          variant="default"
          leftSection={<Icon name="plus" size={13} />}
          onClick={() => set({ targets: [...scope.targets, { cidr: '' }] })}
        >
          Add a target
        </Button>
        {errorOf('targets') && (
          <Text c="var(--gy-bad)" size="sm">
            {errorOf('targets')}
          </Text>
        )}
      </div>
      <TagsInput
        label="Never touch"
        description="Addresses, CIDRs, domain names or folders; Enter after each"
        value={scope.exclusions ?? []}
        error={errorOf('exclusions')}
        onChange={(v) => set({ exclusions: v })}
      />
      <Select
        label="Intensity"
        data={intensities}
        value={scope.intensity || 'normal'}
        onChange={(v) => set({ intensity: (v ?? 'normal') as NonNullable<ScopeInput['intensity']> })}
      />
      <div>
        <Text size="sm" fw={500} mb={4}>
          When probes may be sent
        </Text>
        <HoursFields hours={scope.hours ?? []} onChange={(hours) => set({ hours })} />
      </div>
      <div className={classes.grid}>
        <Select
          label="Criticality of its assets"
          data={criticalityTitle.map((label, i) => ({ value: String(i), label }))}
          value={String(scope.criticality ?? 0)}
          onChange={(v) => set({ criticality: Number(v) })}
        />
        <NumberInput
          label="Risk appetite"
          description="Risk of a single exposure that is tolerated, 0 to 100"
          min={0}
          max={100}
          value={scope.risk_appetite ?? ''}
          error={errorOf('risk_appetite')}
          onChange={(v) => set({ risk_appetite: Number(v) || 0 })}
        />
        <NumberInput
          label="Worth"
          description="Money at stake, in whole units"
          min={0}
          thousandSeparator=","
          value={scope.worth ?? ''}
          error={errorOf('worth')}
          onChange={(v) => set({ worth: Math.round(Number(v)) || 0 })}
        />
        <TextInput
          label="Selector"
          description="CEL over assets; empty: those found by its own runs"
          value={scope.selector ?? ''}
          error={errorOf('selector')}
          onChange={(e) => set({ selector: e.currentTarget.value })}
        />
      </div>
      <TagsInput
        label="Inventory"
        description="Addresses or names that you know of; others found here are shadow IT. Empty: not checked"
        value={scope.inventory ?? []}
        error={errorOf('inventory')}
        onChange={(v) => set({ inventory: v })}
      />
      <TextInput
        label="Runbook"
        description="A command or link shown with each action; {asset}, {address}, {weakness} and {locus} are filled in"
        value={scope.runbook ?? ''}
        error={errorOf('runbook')}
        onChange={(e) => set({ runbook: e.currentTarget.value })}
      />
    </Stack>
  );
}
