// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

/** What the console knows of CEL text: enough to add and remove facet terms; the server judges the rest. */

export interface FilterField {
  name: string;
  type: string;
  doc: string;
  values?: string[];
}

/** Splits at the top-level `&&`, minding strings, parentheses and brackets. A top-level `||` keeps all as one term. */
export function splitTerms(filter: string): string[] {
  const terms: string[] = [];
  let depth = 0;
  let quote = '';
  let start = 0;
  for (let i = 0; i < filter.length; i++) {
    const c = filter.charAt(i);
    if (quote) {
      if (c === '\\') i++;
      else if (c === quote) quote = '';
    } else if (c === '"' || c === "'") quote = c;
    else if (c === '(' || c === '[' || c === '{') depth++;
    else if (c === ')' || c === ']' || c === '}') depth--;
    else if (depth === 0 && filter.startsWith('||', i)) return [filter.trim()].filter(Boolean);
    else if (depth === 0 && filter.startsWith('&&', i)) {
      terms.push(filter.slice(start, i).trim());
      start = i + 2;
      i++;
    }
  }
  terms.push(filter.slice(start).trim());
  return terms.filter(Boolean);
}

/** How a value of a field is written: severities are bare words, texts are quoted. */
export function literal(type: string, value: string): string {
  if (type === 'severity') return value.toUpperCase();
  if (type === 'number' || type === 'bool') return value;
  return JSON.stringify(value);
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** The values that the filter asks of a field by `field == v`, `field in [v, …]` or `v in field`. */
export function chosen(filter: string, field: string, type: string): string[] {
  const name = escaped(field);
  for (const term of splitTerms(filter)) {
    const one = new RegExp(`^${name}\\s*==\\s*(.+)$`).exec(term)?.[1];
    const many = new RegExp(`^${name}\\s+in\\s+\\[(.*)\\]$`).exec(term)?.[1];
    const member = type === 'text_list' ? new RegExp(`^(.+)\\s+in\\s+${name}$`).exec(term)?.[1] : undefined;
    const text = one ?? many ?? member;
    if (text === undefined) continue;
    return (text.match(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^,\s]+/g) ?? []).map(unquote);
  }
  return [];
}

function unquote(text: string): string {
  if (text.startsWith('"')) {
    try {
      return JSON.parse(text) as string;
    } catch {
      return text;
    }
  }
  return text.startsWith("'") ? text.slice(1, -1) : text;
}

/** The filter with a facet's value added or, when it was chosen already, taken out. */
export function toggleValue(filter: string, field: string, type: string, value: string): string {
  const before = chosen(filter, field, type);
  const same = (v: string): boolean => v.toLowerCase() === value.toLowerCase();
  const after = before.some(same) ? before.filter((v) => !same(v)) : [...before, value];
  const name = escaped(field);
  const own = new RegExp(
    `^(${name}\\s*==\\s*.+|${name}\\s+in\\s+\\[.*\\]${type === 'text_list' ? `|.+\\s+in\\s+${name}` : ''})$`,
  );
  const terms = splitTerms(filter);
  const kept = terms.filter((t) => !own.test(t)).map((t) => (hasTopLevelOr(t) ? `(${t})` : t));
  const values = after.map((v) => literal(type, v));
  if (values.length === 0) return kept.join(' && ');
  // A list is asked for its last chosen member: two members at once would be another question.
  if (type === 'text_list') kept.push(`${values.at(-1)} in ${field}`);
  else kept.push(values.length === 1 ? `${field} == ${values[0]}` : `${field} in [${values.join(', ')}]`);
  return kept.join(' && ');
}

function hasTopLevelOr(term: string): boolean {
  return splitTerms(`${term} && true`).length === 1;
}

/** Plain words are a search; anything with an operator, a call or a field's name is CEL already. */
export function asFilter(text: string, fields: readonly FilterField[]): string {
  const t = text.trim();
  if (t === '' || /[=<>()[\]&|!"']|\sin\s/.test(t)) return t;
  if (fields.some((f) => f.type === 'bool' && f.name === t) || t === 'true' || t === 'false') return t;
  return `search(${JSON.stringify(t)})`;
}
