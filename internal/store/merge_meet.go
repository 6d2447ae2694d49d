// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"

	"github.com/gyre-ctem/gyre"
)

// sameThing says in SQL that the exposure v is of a package whose place nobody
// knows ("#openssl") and that e says where that package lies ("dpkg#openssl"). It is
// locus.SameThing; a test of internal/ingest holds the two together.
const sameThing = `v.place LIKE '#%' AND length(e.place) > length(v.place) AND substr(e.place, length(e.place) - length(v.place) + 1) = v.place`

// meeting is an exposure without a path, and the first of those that say where
// the same package lies.
type meeting struct {
	vague, exact         gyre.ID
	vagueName, exactName string
}

// meet makes exposures one that came together on an asset and of which one says
// more exactly where a package lies, as if both had been seen there from the start. Each is
// a merge of its own, which the journal of j names: undoing that undoes them first.
func (j *journal) meet(ctx context.Context) error {
	all, err := collect(ctx, j.tx.tx, func(s scanner) (m meeting, err error) {
		return m, s.Scan((*int64)(&m.vague), (*int64)(&m.exact), &m.vagueName, &m.exactName)
	}, `SELECT v.id, e.id, v.locus, e.locus FROM exposure v JOIN exposure e ON e.asset = v.asset AND e.weakness = v.weakness AND e.aspect = v.aspect
		WHERE v.workspace = $1 AND v.asset = $2 AND `+sameThing+` ORDER BY v.id, e.place`, int64(j.tx.ws), int64(j.m.Into))
	if err != nil {
		return fmt.Errorf("find exposures that meet: %w", err)
	}
	for i, x := range all {
		if i > 0 && all[i-1].vague == x.vague {
			continue
		}
		m := gyre.Merge{
			ID: gyre.NewID(), From: x.vague, Into: x.exact, FromName: x.vagueName, IntoName: x.exactName, Actor: j.m.Actor, Run: j.m.Run,
			Reason: fmt.Sprintf("they are on one asset now, and %s says where %s is", x.exactName, x.vagueName),
		}
		if err := j.tx.MergeExposure(ctx, m); err != nil {
			return err
		}
		j.note(journalItem{kind: "merge", op: opMet, object: m.ID})
	}
	return nil
}

// part undoes the merges that a merge brought about, unless that was done before.
func (u *undoing) part(ctx context.Context, items []journalItem) error {
	for _, i := range items {
		if i.op != opMet {
			continue
		}
		m, err := one(ctx, u.tx.tx, "merge", i.object, scanMerge, "SELECT "+mergeColumns+" FROM merge WHERE workspace = $1 AND id = $2", int64(u.tx.ws), int64(i.object))
		if err != nil {
			return err
		}
		if m.Undone.IsZero() {
			if err := u.tx.undoMerge(ctx, &m, u.j.m.Actor); err != nil {
				return err
			}
		}
	}
	return nil
}
