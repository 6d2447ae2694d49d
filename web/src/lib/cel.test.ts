// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, test } from 'vitest';
import { asFilter, chosen, type FilterField, splitTerms, toggleValue } from './cel';
import { complete, errorColumn } from './completion';

const fields: FilterField[] = [
  {
    name: 'severity',
    type: 'severity',
    doc: 'How bad',
    values: ['INFO', 'LOW', 'MEDIUM', 'HIGH', 'CRITICAL'],
  },
  { name: 'class', type: 'text', doc: 'Kind', values: ['vulnerability', 'certificate'] },
  { name: 'intel.kev', type: 'bool', doc: 'In KEV' },
  { name: 'asset.zone', type: 'text', doc: 'Zone', values: ['internet', 'dmz'] },
];

describe('splitTerms', () => {
  test.each([
    ['', []],
    ['a == 1 && b', ['a == 1', 'b']],
    ['title == "a && b" && (x || y)', ['title == "a && b"', '(x || y)']],
    ['x in ["a", "b]"] && y', ['x in ["a", "b]"]', 'y']],
    ['a || b && c', ['a || b && c']],
    ['s == "\\"" && t', ['s == "\\""', 't']],
  ])('%s', (filter, want) => expect(splitTerms(filter)).toEqual(want));
});

describe('toggleValue', () => {
  test.each([
    ['', 'class', 'text', 'api', 'class == "api"'],
    ['class == "api"', 'class', 'text', 'api', ''],
    ['class == "api" && risk > 3', 'class', 'text', 'secret', 'risk > 3 && class in ["api", "secret"]'],
    ['class in ["api", "secret"]', 'class', 'text', 'api', 'class == "secret"'],
    ['severity == HIGH', 'severity', 'severity', 'critical', 'severity in [HIGH, CRITICAL]'],
    ['severity in [HIGH, CRITICAL]', 'severity', 'severity', 'high', 'severity == CRITICAL'],
    ['a || b', 'class', 'text', 'api', '(a || b) && class == "api"'],
    ['', 'sources', 'text_list', 'nmap', '"nmap" in sources'],
    ['"nmap" in sources && x', 'sources', 'text_list', 'nmap', 'x'],
    ['asset.classy == "x"', 'class', 'text', 'api', 'asset.classy == "x" && class == "api"'],
  ])('%s ± %s(%s) %s', (filter, field, type, value, want) =>
    expect(toggleValue(filter, field, type, value)).toBe(want),
  );

  test('what was toggled in is chosen', () => {
    const filter = toggleValue('risk > 3', 'asset.name', 'text', 'say "hi", you');
    expect(chosen(filter, 'asset.name', 'text')).toEqual(['say "hi", you']);
    expect(toggleValue(filter, 'asset.name', 'text', 'say "hi", you')).toBe('risk > 3');
  });
});

test.each([
  ['openssl', 'search("openssl")'],
  ['web 01', 'search("web 01")'],
  ['risk >= 60', 'risk >= 60'],
  ['intel.kev', 'intel.kev'],
  ['', ''],
])('asFilter(%s)', (text, want) => expect(asFilter(text, fields)).toBe(want));

describe('complete', () => {
  const labels = (text: string): string[] =>
    complete(text, text.length, fields, []).items.map((s) => s.label);
  test('fields by prefix, and by the part after the dot', () => {
    expect(labels('sev')).toEqual(['severity']);
    expect(labels('kev')).toEqual(['intel.kev']);
    expect(labels('class == "certificate" && zo')).toEqual(['asset.zone']);
  });
  test('operators after a field', () => expect(labels('severity ')).toEqual(['>=', '==', '!=', '<']));
  test('values after an operator, inside quotes, and inside a list', () => {
    expect(labels('severity >= ')).toHaveLength(5);
    expect(labels('class == "cert')).toEqual(['"certificate"']);
    expect(labels('asset.zone in ["internet", ')).toContain('"dmz"');
  });
  test('an inserted value replaces the open quote', () => {
    const text = 'class == "ce';
    expect(complete(text, text.length, fields, []).from).toBe(text.indexOf('"'));
  });
  test('conjunctions after a complete term', () => expect(labels('class == "api" ')).toEqual(['&&', '||']));
});

test.each([
  ['filter:1:14', 'x', 14],
  ['filter:14', 'x', 14],
  [undefined, 'ERROR: <input>:1:7: Syntax error', 7],
  [undefined, 'at column 9: no such field', 9],
  [undefined, 'no place', undefined],
])('errorColumn(%s, %s)', (location, message, want) => expect(errorColumn(location, message)).toBe(want));
