// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { Button, UnstyledButton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type KeyboardEvent, useEffect, useId, useRef, useState } from 'react';
import { Problem } from '../../api/client';
import { filterSchemaQuery } from '../../api/queries';
import { asFilter } from '../../lib/cel';
import { complete, errorColumn, type Suggestion } from '../../lib/completion';
import { Icon } from '../Icon';
import classes from './FilterBox.module.css';
import { FilterError } from './FilterError';

interface FilterBoxProps {
  kind: 'exposures' | 'assets';
  value: string;
  onChange: (filter: string) => void;
  error: Error | null;
}

/** Where a list's filter is written: CEL with completion. Plain words become a search. */
export function FilterBox({ kind, value, onChange, error }: FilterBoxProps) {
  const { data: schema } = useQuery(filterSchemaQuery(kind));
  const fields = schema?.fields ?? [];
  const functions = (schema?.functions ?? []).filter((f) => f.kind === 'function');
  const [text, setText] = useState(value);
  const [caret, setCaret] = useState(value.length);
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const input = useRef<HTMLInputElement>(null);
  const listId = useId();
  const errorId = useId();

  useEffect(() => setText(value), [value]);

  useEffect(() => {
    const onKey = (event: globalThis.KeyboardEvent) => {
      const target = event.target as HTMLElement | null;
      if (event.key !== '/' || event.ctrlKey || event.metaKey) return;
      if (target?.closest('input, textarea, [role=dialog]')) return;
      event.preventDefault();
      input.current?.focus();
      input.current?.select();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);

  const completion = open ? complete(text, caret, fields, functions) : { from: 0, items: [] };
  const shown = open && completion.items.length > 0;

  const accept = (s: Suggestion) => {
    const next = text.slice(0, completion.from) + s.insert + text.slice(caret).replace(/^["']/, '');
    const at = completion.from + s.insert.length;
    setText(next);
    setCaret(at);
    setActive(-1);
    requestAnimationFrame(() => {
      input.current?.focus();
      input.current?.setSelectionRange(at, at);
    });
  };
  const commit = (next: string) => {
    const filter = asFilter(next, fields);
    setText(filter);
    setOpen(false);
    onChange(filter);
  };

  const onKeyDown = (event: KeyboardEvent) => {
    const chosen = completion.items[active];
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      if (!shown) return setOpen(true);
      const n = completion.items.length;
      setActive((a) => (event.key === 'ArrowDown' ? (a + 1) % n : (a <= 0 ? n : a) - 1));
    } else if (event.key === 'Enter') {
      event.preventDefault();
      if (shown && chosen) accept(chosen);
      else commit(text);
    } else if (event.key === 'Tab' && shown && chosen) {
      event.preventDefault();
      accept(chosen);
    } else if (event.key === 'Escape') {
      event.preventDefault();
      if (shown) setOpen(false);
      else input.current?.blur();
    }
  };
  const follow = () => setCaret(input.current?.selectionStart ?? text.length);
  const problem = error instanceof Problem && error.status < 500 ? error : undefined;

  return (
    <div className={classes.box}>
      <div className={classes.field} data-error={problem ? true : undefined}>
        <Icon name="search" />
        <input
          ref={input}
          className={classes.input}
          role="combobox"
          aria-label={`Filter ${kind}`}
          aria-expanded={shown}
          aria-controls={listId}
          aria-autocomplete="list"
          aria-activedescendant={shown && active >= 0 ? `${listId}-${active}` : undefined}
          aria-invalid={problem ? true : undefined}
          aria-describedby={problem ? errorId : undefined}
          placeholder={
            kind === 'exposures'
              ? 'Words, or a condition: severity >= HIGH && asset.zone == "internet"'
              : 'Words, or a condition: zone == "dmz" && criticality >= 3'
          }
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
          value={text}
          onChange={(e) => {
            setText(e.target.value);
            setCaret(e.target.selectionStart ?? e.target.value.length);
            setOpen(true);
            setActive(-1);
          }}
          onFocus={() => setOpen(true)}
          onBlur={() => setOpen(false)}
          onClick={follow}
          onKeyUp={follow}
          onKeyDown={onKeyDown}
        />
        {text !== '' && (
          <UnstyledButton className={classes.clear} aria-label="Clear the filter" onClick={() => commit('')}>
            <Icon name="cross" size={13} />
          </UnstyledButton>
        )}
        <Button
          variant="light"
          size="compact-sm"
          onClick={() => commit(text)}
          disabled={text === value && !problem}
        >
          Filter
        </Button>
      </div>
      <div id={listId} role="listbox" aria-label="Suggestions" className={classes.list} hidden={!shown}>
        {completion.items.map((s, i) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: keys act on the text field, which points here
          <div
            key={s.label}
            id={`${listId}-${i}`}
            role="option"
            aria-selected={i === active}
            className={classes.option}
            onMouseDown={(e) => e.preventDefault()}
            onClick={() => accept(s)}
          >
            <span className={classes.label}>{s.label}</span>
            <span className={classes.doc}>{s.doc}</span>
          </div>
        ))}
      </div>
      {problem && (
        <FilterError
          id={errorId}
          filter={value}
          column={errorColumn(problem.places[0]?.location, problem.message)}
          message={problem.places[0]?.message ?? problem.message}
        />
      )}
    </div>
  );
}
