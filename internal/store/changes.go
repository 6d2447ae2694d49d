// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gyre-ctem/gyre"
)

// What a transaction changes is noted where rows are written, not where events
// are made: whoever saves a row through here cannot forget to say what became of it.
// The notes go onto the event of the same object, or onto one of their own, as JSON of
// {field: [before, after]}, and AsOf replays them backwards.
//
// Fields have the names of columns; times are microseconds, IDs their text. These are other:
//
//	exposure  sources     the sources that see it, as lists; fixable follows from remedy
//	asset     scope:ID    whether it is in a scope
//	asset     relation:TYPE:ID  whether it has a relation to another asset
//	asset     identifiers as lists of "type value zone"
//	scope     *           the fields of its JSON
//	weakness  *           the columns; and aliases, cwes of its body

// objectID names a row of the estate.
type objectID struct {
	object string
	id     gyre.ID
}

// fieldChange is one field before and after: string, bool, int64, float64,
// []string, or json.RawMessage; nil is nothing.
type fieldChange struct {
	field    string
	from, to any
}

// changed notes what became of a field. Of a field that changes twice in one
// transaction the first before and the last after count.
func (tx *Tx) changed(object string, id gyre.ID, field string, from, to any) {
	if sameValue(from, to) {
		return
	}
	if tx.changes == nil {
		tx.changes = map[objectID][]fieldChange{}
	}
	k := objectID{object, id}
	list := tx.changes[k]
	for i := range list {
		if list[i].field == field {
			list[i].to = to
			return
		}
	}
	tx.changes[k] = append(list, fieldChange{field, from, to})
}

func sameValue(a, b any) bool {
	switch a := a.(type) {
	case []string:
		b, ok := b.([]string)
		return ok && slices.Equal(a, b)
	case json.RawMessage:
		b, ok := b.(json.RawMessage)
		return ok && string(a) == string(b)
	}
	switch b.(type) {
	case []string, json.RawMessage:
		return false
	}
	return a == b
}

// attachChanges puts what changed onto the events of this transaction: onto the
// one whose kind is the field, else onto the object's last. An object that has none gets one.
func (tx *Tx) attachChanges() error {
	if len(tx.changes) == 0 {
		return nil
	}
	last := map[objectID]int{}
	byKind := map[objectID]map[string]int{}
	for i := range tx.events {
		k := objectID{tx.events[i].Object, tx.events[i].ID}
		if _, any := tx.changes[k]; !any {
			continue
		}
		if before, twice := last[k]; twice {
			if byKind[k] == nil {
				byKind[k] = map[string]int{tx.events[before].Kind: before}
			}
			byKind[k][tx.events[i].Kind] = i
		}
		last[k] = i
	}
	var alone []objectID
	for k := range tx.changes {
		if _, has := last[k]; !has {
			alone = append(alone, k)
		}
	}
	slices.SortFunc(alone, func(a, b objectID) int { return strings.Compare(a.object+a.id.String(), b.object+b.id.String()) })
	for _, k := range alone {
		last[k] = len(tx.events)
		tx.Append(gyre.Event{Object: k.object, ID: k.id, Kind: "updated", Actor: tx.actor, Run: tx.run})
	}
	for k, list := range tx.changes {
		at := make(map[int][]fieldChange, 1)
		for _, c := range list {
			i, ok := byKind[k][kindOfField(c.field)]
			if !ok {
				i = last[k]
			}
			at[i] = append(at[i], c)
		}
		for i, part := range at {
			text, err := addChanges(tx.events[i].Changes, part)
			if err != nil {
				return fmt.Errorf("encode change of %s %s: %w", k.object, k.id, err)
			}
			tx.events[i].Changes = text
		}
	}
	return nil
}

// kindOfField is the kind of the events that tell of a field.
func kindOfField(field string) string {
	switch field {
	case "state_since", "fixed_at":
		return "state"
	case "sources":
		return "source"
	}
	if kind, _, one := strings.Cut(field, ":"); one {
		return kind
	}
	return field
}

// addChanges adds to the text of an event's changes.
func addChanges(text string, list []fieldChange) (string, error) {
	if len(list) == 0 {
		return text, nil
	}
	b := make([]byte, 0, len(text)+32+48*len(list))
	if text == "" {
		b = append(b, '{')
	} else {
		b = append(append(b, text[:len(text)-1]...), ',')
	}
	var err error
	for i, c := range list {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = appendValue(b, c.field); err != nil {
			return "", err
		}
		b = append(b, ':', '[')
		if b, err = appendValue(b, c.from); err != nil {
			return "", err
		}
		b = append(b, ',')
		if b, err = appendValue(b, c.to); err != nil {
			return "", err
		}
		b = append(b, ']')
	}
	return string(append(b, '}')), nil
}

func appendValue(b []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case string:
		if plain(v) {
			return append(append(append(b, '"'), v...), '"'), nil
		}
	case int64:
		return strconv.AppendInt(b, v, 10), nil
	case bool:
		return strconv.AppendBool(b, v), nil
	case json.RawMessage:
		if len(v) > 0 {
			return append(b, v...), nil
		}
		return append(b, "null"...), nil
	}
	text, err := json.Marshal(v)
	return append(b, text...), err
}

// plain says that a text is its own JSON.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// remember keeps exposures as they are stored, so that saving them need not
// read them again to know what changes.
func (tx *Tx) remember(all []gyre.Exposure) {
	if tx.stored == nil {
		tx.stored = make(map[gyre.ID]gyre.Exposure, len(all))
	}
	for i := range all {
		tx.stored[all[i].ID] = all[i]
	}
}

// storedExposures are the exposures of ids as they are stored.
func (tx *Tx) storedExposures(ctx context.Context, ids []gyre.ID) (map[gyre.ID]gyre.Exposure, error) {
	var missing []gyre.ID
	for _, id := range ids {
		if _, ok := tx.stored[id]; !ok {
			missing = append(missing, id)
		}
	}
	if len(missing) > 0 {
		all, err := exposuresByID(ctx, tx.tx, tx.ws, missing)
		if err != nil {
			return nil, err
		}
		tx.remember(all)
	}
	return tx.stored, nil
}

// isNew says whether an object was created in this transaction.
func (tx *Tx) isNew(object string, id gyre.ID) bool {
	for ; tx.sorted < len(tx.events); tx.sorted++ {
		if e := &tx.events[tx.sorted]; e.Kind == "created" {
			if tx.created == nil {
				tx.created = map[objectID]bool{}
			}
			tx.created[objectID{e.Object, e.ID}] = true
		}
	}
	return tx.created[objectID{object, id}]
}

// noteExposures notes what saving exposures will change.
func (tx *Tx) noteExposures(ctx context.Context, all []gyre.Exposure, remedies []string) error {
	var known []gyre.ID
	for i := range all {
		if !tx.isNew("exposure", all[i].ID) {
			known = append(known, all[i].ID)
		}
	}
	stored, err := tx.storedExposures(ctx, known)
	if err != nil {
		return err
	}
	for i := range all {
		was, ok := stored[all[i].ID]
		if !ok {
			continue
		}
		is := &all[i]
		note := func(field string, from, to any) { tx.changed("exposure", is.ID, field, from, to) }
		note("locus", was.Locus, is.Locus)
		note("aspect", string(was.Aspect), string(is.Aspect))
		note("class", string(was.Class), string(is.Class))
		note("severity", int64(was.Severity), int64(is.Severity))
		note("state", string(was.State), string(is.State))
		note("state_since", micros(was.StateSince), micros(is.StateSince))
		note("fixed_at", micros(was.FixedAt), micros(is.FixedAt))
		note("credentialed", was.Credentialed, is.Credentialed)
		note("first_seen", micros(was.FirstSeen), micros(is.FirstSeen))
		if was.Remedy != is.Remedy {
			before, err := jsonText(was.Remedy)
			if err != nil {
				return err
			}
			note("remedy", json.RawMessage(before), json.RawMessage(remedies[i]))
		}
		tx.sighted("exposure", is.ID, was.LastSeen, is.LastSeen)
		tx.stored[is.ID] = *is
	}
	return nil
}

// moved is what the event of a change of state says, with all that was noted of
// the exposure before. It is written at once: a run may close many thousands.
func (tx *Tx) moved(m move, when time.Time) (string, error) {
	k := objectID{"exposure", m.e.ID}
	tx.changed("exposure", m.e.ID, "state", string(m.e.State), string(m.to))
	tx.changed("exposure", m.e.ID, "state_since", micros(m.e.StateSince), micros(when))
	tx.changed("exposure", m.e.ID, "fixed_at", micros(m.e.FixedAt), fixedAt(m.to, when))
	list := tx.changes[k]
	delete(tx.changes, k)
	delete(tx.stored, m.e.ID)
	return addChanges("", list)
}

// noteAssets notes what saving assets will change.
func (tx *Tx) noteAssets(ctx context.Context, all []gyre.Asset, attributes []string) error {
	var known []gyre.ID
	at := map[gyre.ID]int{}
	for i := range all {
		if !tx.isNew("asset", all[i].ID) {
			known = append(known, all[i].ID)
			at[all[i].ID] = i
		}
	}
	stored, err := assetsByID(ctx, tx.tx, tx.ws, known)
	if err != nil {
		return err
	}
	for i := range stored {
		was, is := &stored[i], &all[at[stored[i].ID]]
		before, err := jsonText(was.Attributes)
		if err != nil {
			return err
		}
		note := func(field string, from, to any) { tx.changed("asset", is.ID, field, from, to) }
		note("kind", string(was.Kind), string(is.Kind))
		note("name", was.Name, is.Name)
		note("zone", string(was.Zone), string(is.Zone))
		note("criticality", int64(was.Criticality), int64(is.Criticality))
		note("owner", was.Owner, is.Owner)
		note("tags", was.Tags, is.Tags)
		note("attributes", json.RawMessage(before), json.RawMessage(attributes[at[is.ID]]))
		note("first_seen", micros(was.FirstSeen), micros(is.FirstSeen))
		tx.sighted("asset", is.ID, was.LastSeen, is.LastSeen)
	}
	return nil
}

// noteWeaknesses notes what saving weaknesses will change.
func (tx *Tx) noteWeaknesses(ctx context.Context, all []gyre.Weakness) error {
	var known []gyre.ID
	at := map[gyre.ID]int{}
	for i := range all {
		if !tx.isNew("weakness", all[i].ID) {
			known = append(known, all[i].ID)
			at[all[i].ID] = i
		}
	}
	stored, err := weaknessesByID(ctx, tx.tx, tx.ws, known)
	if err != nil {
		return err
	}
	for i := range stored {
		was, is := &stored[i], &all[at[stored[i].ID]]
		note := func(field string, from, to any) { tx.changed("weakness", is.ID, field, from, to) }
		note("name", was.Key, is.Key)
		note("class", string(was.Class), string(is.Class))
		note("title", was.Title, is.Title)
		note("severity", int64(was.Severity), int64(is.Severity))
		note("cvss", was.CVSS, is.CVSS)
		note("cvss_score", was.CVSSScore, is.CVSSScore)
		note("published", micros(was.Published), micros(is.Published))
		note("aliases", was.Aliases, is.Aliases)
		note("cwes", was.CWEs, is.CWEs)
	}
	return nil
}

// noteFields notes what of two JSON objects differs, field by field, but for
// those left out.
func (tx *Tx) noteFields(object string, id gyre.ID, from, to string, except ...string) error {
	var was, is map[string]json.RawMessage
	if err := fromJSON(from, &was); err != nil {
		return err
	}
	if err := fromJSON(to, &is); err != nil {
		return err
	}
	for _, field := range slices.Sorted(keysOf(was, is)) {
		if !slices.Contains(except, field) {
			tx.changed(object, id, field, was[field], is[field])
		}
	}
	return nil
}

// keysOf yields each key of either map once.
func keysOf[V any](a, b map[string]V) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range a {
			if !yield(k) {
				return
			}
		}
		for k := range b {
			if _, both := a[k]; !both && !yield(k) {
				return
			}
		}
	}
}
