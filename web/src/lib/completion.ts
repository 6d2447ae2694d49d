// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { type FilterField, literal } from './cel';

export interface FilterFunction {
  name: string;
  doc: string;
  example?: string;
}

export interface Suggestion {
  /** What is shown, and what is put in place of the text from `from` to the caret. */
  label: string;
  insert: string;
  doc: string;
  kind: 'field' | 'value' | 'operator' | 'function';
}

export interface Completion {
  from: number;
  items: Suggestion[];
}

const limit = 9;

const operatorsOf: Record<string, string[]> = {
  bool: ['&& ', '|| '],
  number: ['>= ', '<= ', '== ', '!= '],
  severity: ['>= ', '== ', '!= ', '< '],
  time: ['> ', '< '],
  text: ['== ', '!= ', 'in ['],
  text_list: [],
};

/** What could stand at the caret: a field's value after an operator, an operator after a field, else a field. */
export function complete(
  text: string,
  caret: number,
  fields: readonly FilterField[],
  functions: readonly FilterFunction[],
): Completion {
  const before = text.slice(0, caret);
  const word = /[\w.]*$/.exec(before)?.[0] ?? '';
  const quoted = /(["'])([^"']*)$/.exec(
    before.replace(/(["'])(?:[^"'\\]|\\.)*\1/g, (m) => ' '.repeat(m.length)),
  );
  const partial = quoted ? (quoted[2] ?? '') : word;
  const from = caret - partial.length - (quoted ? 1 : 0);
  const head = before.slice(0, from);

  const compared = /([\w.]+)\s*(?:==|!=|>=|<=|<|>|in\s*\[(?:[^\]]*,)?)\s*$/.exec(head)?.[1];
  const field = fields.find((f) => f.name === compared);
  if (field) return { from, items: values(field, partial) };
  if (quoted) return { from: caret, items: [] };

  const left = /([\w.]+)\s+$/.exec(head)?.[1];
  const complete = fields.find((f) => f.name === left);
  if (complete && partial === '') {
    const items = (operatorsOf[complete.type] ?? []).map(
      (op): Suggestion => ({ label: op.trim(), insert: op, doc: operatorDoc(op.trim()), kind: 'operator' }),
    );
    return { from, items };
  }
  if (partial === '' && /(["'\])]|\d)\s+$/.test(head)) {
    return {
      from,
      items: ['&& ', '|| '].map((op) => ({
        label: op.trim(),
        insert: op,
        doc: operatorDoc(op.trim()),
        kind: 'operator',
      })),
    };
  }
  return { from, items: names(fields, functions, partial) };
}

function values(field: FilterField, partial: string): Suggestion[] {
  const all = field.type === 'bool' ? ['true', 'false'] : (field.values ?? []);
  const wanted = partial.toLowerCase();
  return all
    .filter((v) => v.toLowerCase().includes(wanted))
    .slice(0, limit)
    .map((v) => {
      const text = literal(field.type, v);
      return { label: text, insert: `${text} `, doc: field.doc, kind: 'value' };
    });
}

function names(
  fields: readonly FilterField[],
  functions: readonly FilterFunction[],
  partial: string,
): Suggestion[] {
  const wanted = partial.toLowerCase();
  const rank = (name: string): number => {
    const n = name.toLowerCase();
    if (n.startsWith(wanted)) return 0;
    if (n.split('.').some((part) => part.startsWith(wanted))) return 1;
    return n.includes(wanted) ? 2 : 3;
  };
  const all: (Suggestion & { rank: number })[] = [
    ...fields.map((f) => ({
      label: f.name,
      insert: `${f.name} `,
      doc: f.doc,
      kind: 'field' as const,
      rank: rank(f.name),
    })),
    ...functions.map((f) => ({
      label: `${f.name}(…)`,
      insert: f.name === 'search' ? 'search("' : `${f.name}(`,
      doc: f.doc,
      kind: 'function' as const,
      rank: rank(f.name) + 0.5,
    })),
  ];
  return all
    .filter((s) => s.rank < 3)
    .sort((a, b) => a.rank - b.rank)
    .slice(0, limit);
}

function operatorDoc(op: string): string {
  const docs: Record<string, string> = {
    '==': 'is',
    '!=': 'is not',
    '>=': 'at least',
    '<=': 'at most',
    '<': 'less than',
    '>': 'more than',
    in: 'is one of',
    '&&': 'and',
    '||': 'or',
  };
  return docs[op.replace(' [', '')] ?? '';
}

/** The column, from 1, that a problem's location or message names; undefined when it names none. */
export function errorColumn(location: string | undefined, message: string): number | undefined {
  const at =
    /(?:^|:)(?:1:)?(\d+)$/.exec(location ?? '')?.[1] ??
    /(?:column|position|character) (\d+)|:1:(\d+)/.exec(message)?.slice(1).find(Boolean);
  return at ? Number(at) : undefined;
}
