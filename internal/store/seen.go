// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/gyre-ctem/gyre"
)

// A sighting that changes nothing but when an object was seen last has no event:
// an import that finds everything as it was would otherwise write one for each row. What
// it overwrites, when each object had been seen before, is kept for each transaction in
// one packed row.

// sighted notes that an object's last sighting moves.
func (tx *Tx) sighted(object string, id gyre.ID, before, now time.Time) {
	if before.Before(now) {
		tx.overwritten(object, id, before)
	}
}

// overwritten notes when an object was seen last before that changes: forward with
// a sighting, either way with a merge and its undoing.
func (tx *Tx) overwritten(object string, id gyre.ID, before time.Time) {
	if tx.seen == nil {
		tx.seen = map[string]map[gyre.ID]int64{}
	}
	m := tx.seen[object]
	if m == nil {
		m = map[gyre.ID]int64{}
		tx.seen[object] = m
	}
	if _, twice := m[id]; !twice {
		m[id] = micros(before)
	}
}

// rememberSeen keeps when assets were seen last.
func (tx *Tx) rememberSeen(all []gyre.Asset) {
	if tx.assetSeen == nil {
		tx.assetSeen = make(map[gyre.ID]int64, len(all))
	}
	for i := range all {
		tx.assetSeen[all[i].ID] = micros(all[i].LastSeen)
	}
}

// noteTouched notes what touching rows of a table will change.
func (tx *Tx) noteTouched(ctx context.Context, table string, ids []gyre.ID, now time.Time) error {
	var missing []gyre.ID
	for _, id := range ids {
		if e, ok := tx.stored[id]; ok {
			tx.sighted(table, id, e.LastSeen, now)
		} else if at, ok := tx.assetSeen[id]; ok {
			tx.sighted(table, id, timeOf(at), now)
		} else {
			missing = append(missing, id)
		}
	}
	err := inChunks(missing, idArg, []any{int64(tx.ws)}, func(in string, args []any) error {
		return each(ctx, tx.tx, "SELECT id, last_seen FROM "+table+" WHERE workspace = $1 AND id IN "+in, args, func(s scanner) error {
			var id gyre.ID
			var at int64
			if err := s.Scan((*int64)(&id), &at); err != nil {
				return err
			}
			tx.sighted(table, id, timeOf(at), now)
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("read sightings before: %w", err)
	}
	return nil
}

// flushSightings stores what the transaction saw again.
func (tx *Tx) flushSightings(ctx context.Context) error {
	if len(tx.seen) == 0 {
		return nil
	}
	for _, object := range slices.Sorted(maps.Keys(tx.seen)) {
		_, err := tx.exec(ctx, "INSERT INTO seen_before (id, workspace, at, object, body) VALUES ($1,$2,$3,$4,$5)",
			int64(gyre.NewID()), int64(tx.ws), micros(tx.at), object, packSightings(tx.seen[object]))
		if err != nil {
			return fmt.Errorf("store sightings: %w", err)
		}
	}
	if _, err := tx.exec(ctx, "UPDATE workspace SET at = $2 WHERE id = $1", int64(tx.ws), micros(tx.at)); err != nil {
		return fmt.Errorf("store time of sightings: %w", err)
	}
	return nil
}

// packSightings writes, for each time before, its distance from the one before
// it, the number of objects and their IDs, each as the distance from the last.
func packSightings(before map[gyre.ID]int64) []byte {
	ids := slices.Collect(maps.Keys(before))
	slices.SortFunc(ids, func(a, b gyre.ID) int { return cmp.Or(cmp.Compare(before[a], before[b]), cmp.Compare(a, b)) })
	out := make([]byte, 0, 3*len(ids)+16)
	at := int64(0)
	for from := 0; from < len(ids); {
		to := from
		for to < len(ids) && before[ids[to]] == before[ids[from]] {
			to++
		}
		out = binary.AppendVarint(out, before[ids[from]]-at)
		at = before[ids[from]]
		out = binary.AppendUvarint(out, uint64(to-from)) // #nosec G115 -- not negative
		last := gyre.ID(0)
		for _, id := range ids[from:to] {
			out = binary.AppendUvarint(out, uint64(id-last)) // #nosec G115 -- ascending
			last = id
		}
		from = to
	}
	return out
}

// eachSighting reads what packSightings wrote.
func eachSighting(body []byte, fn func(id gyre.ID, before int64)) error {
	damaged := gyre.Errorf(gyre.Internal, "a stored list of sightings is damaged")
	at := int64(0)
	for len(body) > 0 {
		delta, n := binary.Varint(body)
		if n <= 0 {
			return damaged
		}
		at += delta
		body = body[n:]
		count, n := binary.Uvarint(body)
		if n <= 0 || count > uint64(len(body)) {
			return damaged
		}
		body = body[n:]
		id := gyre.ID(0)
		for range count {
			d, n := binary.Uvarint(body)
			if n <= 0 {
				return damaged
			}
			body = body[n:]
			id += gyre.ID(d) // #nosec G115 -- as it was packed
			fn(id, at)
		}
	}
	return nil
}

// word is the latest word of a source on an exposure.
type word struct {
	seen bool
	at   int64
}

// readSaid reads what each source last said of exposures.
func (tx *Tx) readSaid(ctx context.Context, exposures []gyre.ID) error {
	if tx.said == nil {
		tx.said = make(map[gyre.ID]map[string]word, len(exposures))
	}
	var ask []gyre.ID
	for _, id := range exposures {
		if _, known := tx.said[id]; !known {
			tx.said[id] = nil
			ask = append(ask, id)
		}
	}
	err := eachKey(tx.tx, ask, func(g given) error {
		query, args := tx.lookup(g, "id", "e.exposure, e.source, e.seen, e.at", "observation", "e.exposure = w.id")
		return tx.eachWide(ctx, query, args, func(r wideRow) error {
			id := gyre.ID(r.int(0))
			if tx.said[id] == nil {
				tx.said[id] = map[string]word{}
			}
			tx.said[id][r.word(1)] = word{seen: r.bool(2), at: r.int(3)}
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("read sources: %w", err)
	}
	return nil
}

// noteObservations notes whose sight of exposures begins or ends with what is
// about to be saved. Words older than what is stored are not saved.
func (tx *Tx) noteObservations(ctx context.Context, all []gyre.Observation) error {
	var ids []gyre.ID
	for i := range all {
		if !tx.isNew("exposure", all[i].Exposure) {
			ids = append(ids, all[i].Exposure)
		}
	}
	if err := tx.readSaid(ctx, ids); err != nil {
		return err
	}
	for i := range all {
		o := &all[i]
		if tx.isNew("exposure", o.Exposure) {
			continue
		}
		said := tx.said[o.Exposure]
		was, known := said[o.Source]
		if at := micros(o.At); known && was.at > at {
			continue
		} else if known && was.seen == o.Seen || !known && !o.Seen {
			if known {
				said[o.Source] = word{o.Seen, at}
			}
			continue
		}
		before := seenBy(said)
		if said == nil {
			said = map[string]word{}
			tx.said[o.Exposure] = said
		}
		said[o.Source] = word{o.Seen, micros(o.At)}
		tx.changed("exposure", o.Exposure, "sources", before, seenBy(said))
	}
	return nil
}

// seenBy lists the sources that see an exposure.
func seenBy(said map[string]word) []string {
	out := make([]string, 0, len(said))
	for source, w := range said {
		if w.seen {
			out = append(out, source)
		}
	}
	slices.Sort(out)
	return out
}

// AssetsSeen lists the assets that were seen between two moments, the later included.
func (db *DB) AssetsSeen(ctx context.Context, ws gyre.ID, after, until time.Time) ([]gyre.ID, error) {
	ids := map[gyre.ID]bool{}
	err := each(ctx, db.r, "SELECT body FROM seen_before WHERE workspace = $1 AND at > $2 AND at <= $3 AND object = 'asset'",
		[]any{int64(ws), micros(after), micros(until)}, func(s scanner) error {
			var body []byte
			if err := s.Scan(&body); err != nil {
				return err
			}
			return eachSighting(body, func(id gyre.ID, _ int64) { ids[id] = true })
		})
	return slices.Collect(maps.Keys(ids)), err
}
