// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { parseDocument, stringify } from 'yaml';
import type { ScopeInput } from '../api/types';

/** The YAML form of a scope: the same names as JSON, in the order in which people write them. */
export function scopeYaml(scope: ScopeInput): string {
  const order: (keyof ScopeInput)[] = [
    'name',
    'description',
    'owner',
    'worth',
    'criticality',
    'risk_appetite',
    'selector',
    'targets',
    'exclusions',
    'inventory',
    'intensity',
    'hours',
    'runbook',
  ];
  const out: Record<string, unknown> = {};
  for (const key of order) {
    const value = scope[key];
    if (value !== undefined && value !== '' && value !== 0 && !(Array.isArray(value) && value.length === 0))
      out[key] = value;
  }
  return stringify(out, { lineWidth: 110 });
}

/** Reads a scope written in YAML. Errors name the line; what the values mean is for the server to judge. */
export function parseScope(text: string): { scope: ScopeInput } | { error: string } {
  const doc = parseDocument(text, { prettyErrors: true });
  const first = doc.errors[0];
  if (first) return { error: first.message };
  const value: unknown = doc.toJS({ maxAliasCount: 20 });
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { error: 'A scope is a list of names and values, beginning with “name: …”.' };
  }
  const scope = value as ScopeInput;
  return {
    scope: { ...scope, name: scope.name ?? '', targets: Array.isArray(scope.targets) ? scope.targets : [] },
  };
}
