// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gyre-ctem/gyre"
)

// mergeWorld is a database in which assets turn out to be one.
type mergeWorld struct {
	rt   *rapid.T
	ctx  context.Context
	db   *DB
	ws   gyre.ID
	loci []string

	assets, weaknesses []gyre.ID
	exposures          []gyre.ID
}

// mergeWorlds checks a property of worlds with exposures at the given loci.
func mergeWorlds(t *testing.T, loci []string, check func(*rapid.T, *mergeWorld)) {
	for _, engine := range []Engine{SQLite, Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			url := "sqlite:" + filepath.Join(t.TempDir(), "a.db")
			if engine == Postgres {
				url = postgresURL(t)
			}
			db, err := Open(t.Context(), url)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			n := 0
			rapid.Check(t, func(rt *rapid.T) {
				n++
				ws, err := db.EnsureWorkspace(t.Context(), fmt.Sprint(n))
				if err != nil {
					t.Fatal(err)
				}
				w := &mergeWorld{rt: rt, ctx: t.Context(), db: db, ws: ws.ID, loci: loci}
				w.plant()
				check(rt, w)
			})
		})
	}
}

func (w *mergeWorld) ok(err error) {
	if err != nil {
		w.rt.Fatal(err)
	}
}

func (w *mergeWorld) write(fn func(tx *Tx) error) { w.ok(w.db.Write(w.ctx, w.ws, fn)) }

// plant stores three assets with whatever an asset can have.
func (w *mergeWorld) plant() {
	rt := w.rt
	pick := func(what string) bool { return rapid.Bool().Draw(rt, what) }
	w.write(func(tx *Tx) error {
		for i := range 2 {
			w.weaknesses = append(w.weaknesses, gyre.NewID())
			w.ok(tx.SaveWeaknesses(w.ctx, []gyre.Weakness{{ID: w.weaknesses[i], Key: fmt.Sprint("CVE-2026-", i), Class: gyre.Vulnerability, Title: "x"}}))
		}
		for i := range 3 {
			a := gyre.Asset{ID: gyre.NewID(), Kind: gyre.Host, Name: fmt.Sprint("host-", i), FirstSeen: hour(i + 1), LastSeen: hour(i + 2), Tags: []string{fmt.Sprint("t", i)}}
			if pick("owned") {
				a.Owner, a.Pinned = fmt.Sprint("ann-", i), []string{"owner"}
			}
			w.assets = append(w.assets, a.ID)
			w.ok(tx.SaveAssets(w.ctx, []gyre.Asset{a}))
			_, err := tx.NoteRun(w.ctx, gyre.ID(i%2+1), gyre.ID(i%2+7), []gyre.ID{a.ID})
			w.ok(err)
			_, err = tx.NoteRun(w.ctx, 3, 9, []gyre.ID{a.ID})
			w.ok(err)
			w.ok(tx.SaveIdentifiers(w.ctx, "host", []gyre.Identifier{{Type: gyre.IDMachine, Value: fmt.Sprint(i)}}, []gyre.ID{a.ID}, hour(1)))
			for _, source := range []string{"net", "host"} {
				if pick("fact") {
					w.ok(tx.SaveFacts(w.ctx, source, []gyre.Fact{{Asset: gyre.RefID(a.ID), Aspect: "tls", Locus: "tcp/1", Data: map[string]any{"a": int64(i)}}}, hour(rapid.IntRange(1, 5).Draw(rt, "at"))))
				}
				if pick("component") {
					w.ok(tx.SaveComponents(w.ctx, source, []gyre.Component{{ID: gyre.NewID(), Asset: a.ID, PURL: "pkg:a/b", Version: fmt.Sprint(i), LastSeen: hour(rapid.IntRange(1, 5).Draw(rt, "at"))}}))
				}
			}
			w.ok(tx.AddCoverage(w.ctx, 3, []gyre.Coverage{{Asset: gyre.RefID(a.ID), Aspect: "tls"}}))
			_, err = tx.exec(w.ctx, "INSERT INTO claim (id, workspace, family, source, digest, asset, first_seen, last_seen, contested) VALUES ($1,$2,'host','net',$3,$4,1,2,$5)",
				int64(gyre.NewID()), int64(w.ws), a.Name, int64(a.ID), false)
			w.ok(err)
			for _, weakness := range w.weaknesses {
				for _, locus := range w.loci {
					if pick("exposed") {
						w.expose(tx, a.ID, weakness, locus)
					}
				}
			}
		}
		for _, from := range w.assets {
			for _, to := range w.assets {
				if from != to && pick("related") {
					w.ok(tx.SaveRelations(w.ctx, []gyre.Relation{{From: from, To: to, Type: gyre.CanReach, LastSeen: hour(1)}}))
				}
			}
		}
		return nil
	})
	for _, state := range []gyre.State{gyre.StateAccepted, gyre.StateTriaged, gyre.StateFalsePositive} {
		var ids []gyre.ID
		for _, id := range w.exposures {
			if rapid.IntRange(0, 3).Draw(rt, "decided") == 0 {
				ids = append(ids, id)
			}
		}
		_, err := w.db.SetStates(w.ctx, w.ws, ids, state, "ann", "because", time.Now().Add(time.Hour))
		w.ok(err)
	}
}

func (w *mergeWorld) expose(tx *Tx, asset, weakness gyre.ID, locus string) {
	rt := w.rt
	e := gyre.Exposure{
		ID: gyre.NewID(), Asset: asset, Weakness: weakness, Locus: locus, Aspect: "tls", Class: gyre.Vulnerability,
		Severity: gyre.Severity(rapid.IntRange(0, 4).Draw(rt, "severity")), State: gyre.StateOpen, StateSince: hour(1), FirstSeen: hour(1),
		LastSeen: hour(rapid.IntRange(1, 5).Draw(rt, "last")), Credentialed: rapid.Bool().Draw(rt, "credentialed"),
	}
	if rapid.IntRange(0, 3).Draw(rt, "fixed") == 0 {
		e.State, e.FixedAt = gyre.StateFixed, hour(rapid.IntRange(1, 5).Draw(rt, "fixed at"))
	}
	w.exposures = append(w.exposures, e.ID)
	w.ok(tx.SaveExposures(w.ctx, []gyre.Exposure{e}))
	tx.Append(gyre.Event{Object: "exposure", ID: e.ID, Kind: "created", To: string(e.State), Actor: "run:1"})
	for _, source := range []string{"net", "host"} {
		if rapid.Bool().Draw(rt, "observed") {
			w.ok(tx.SaveObservations(w.ctx, []gyre.Observation{{ID: gyre.NewID(), Exposure: e.ID, Run: 1, Source: source, Seen: true, At: hour(rapid.IntRange(1, 5).Draw(rt, "at"))}}, nil))
		}
	}
	if rapid.Bool().Draw(rt, "validated") {
		_, err := tx.exec(w.ctx, "INSERT INTO verdict (id, workspace, exposure, run, method, outcome, evidence, actor, at) VALUES ($1,$2,$3,1,'retest','fixed','{}','ann',1)",
			int64(gyre.NewID()), int64(w.ws), int64(e.ID))
		w.ok(err)
	}
}

// dump is every row of tables of the workspace.
func (w *mergeWorld) dump(tables ...string) map[string][]string {
	out := map[string][]string{}
	w.write(func(tx *Tx) error {
		for _, table := range tables {
			rows, err := tx.rows(w.ctx, "SELECT * FROM "+table+" WHERE workspace = $1", int64(w.ws))
			w.ok(err)
			out[table] = []string{}
			for _, row := range rows {
				var b strings.Builder
				for _, c := range slices.Sorted(maps.Keys(row)) {
					fmt.Fprintf(&b, "%s=%v ", c, row[c])
				}
				out[table] = append(out[table], b.String())
			}
			slices.Sort(out[table])
		}
		return nil
	})
	return out
}

var mergedTables = []string{
	"asset", "identifier", "relation", "component", "fact", "coverage", "run_asset", "asset_scope", "claim", "exposure", "observation", "verdict", "exception", "change_item",
}

func (w *mergeWorld) same(what string, got, want any) {
	if d := cmp.Diff(want, got); d != "" {
		w.rt.Fatalf("%s (-want +got):\n%s", what, d)
	}
}

func (w *mergeWorld) merge(from, into gyre.ID) gyre.ID {
	m := gyre.Merge{ID: gyre.NewID(), From: from, Into: into, Reason: "they share a serial", Actor: "ann"}
	w.write(func(tx *Tx) error { return tx.MergeAsset(w.ctx, m) })
	return m.ID
}

// met: no exposure without a path is beside one that says where the same lies.
func (w *mergeWorld) met() {
	w.write(func(tx *Tx) error {
		rows, err := tx.rows(w.ctx, "SELECT v.id FROM exposure v JOIN exposure e ON e.asset = v.asset AND e.weakness = v.weakness WHERE v.workspace = $1 AND v.asset = $2 AND "+sameThing,
			int64(w.ws), int64(w.assets[1]))
		w.ok(err)
		if len(rows) > 0 {
			w.rt.Fatalf("they did not meet: %v", rows)
		}
		return nil
	})
}

// TestMergeAndUndo: merges, undone in reverse, leave every row as it was.
func TestMergeAndUndo(t *testing.T) {
	mergeWorlds(t, []string{"tcp/1", "#x", "app#x", "web#x"}, func(rt *rapid.T, w *mergeWorld) {
		before := w.dump(mergedTables...)
		history := w.historyOf(w.exposures)
		first := w.merge(w.assets[0], w.assets[1])
		w.nothingLost(before)
		w.met()
		second := w.merge(w.assets[2], w.assets[1])
		w.nothingLost(before)
		w.met()
		if _, err := w.db.UndoMerge(w.ctx, w.ws, first, "bob"); gyre.ErrorCode(err) != gyre.Conflict {
			rt.Fatalf("undone under a later merge: %v", err)
		}
		for _, id := range []gyre.ID{second, first} {
			m, err := w.db.UndoMerge(w.ctx, w.ws, id, "bob")
			w.ok(err)
			w.same("undone by", m.UndoneBy, "bob")
		}
		w.same("everything", w.dump(mergedTables...), before)
		w.same("history", w.historyOf(w.exposures), history)
		if _, err := w.db.UndoMerge(w.ctx, w.ws, first, "bob"); gyre.ErrorCode(err) != gyre.Conflict {
			rt.Fatalf("undone twice: %v", err)
		}
		rules := w.dump("identity_rule")["identity_rule"]
		w.same("rules that keep them apart", len(rules), 2)
	})
}

// historyOf is what happened to each exposure, without what merges tell.
func (w *mergeWorld) historyOf(ids []gyre.ID) map[gyre.ID][]string {
	out := map[gyre.ID][]string{}
	for _, id := range ids {
		events, err := w.db.EventsOf(w.ctx, w.ws, id, 100)
		w.ok(err)
		for _, e := range events {
			if e.Details == "" {
				out[id] = append(out[id], fmt.Sprint(e.Seq, e.Kind, e.From, e.To))
			}
		}
	}
	return out
}

// nothingLost: what the merged estate holds is the union of what it held before.
func (w *mergeWorld) nothingLost(before map[string][]string) {
	now := w.dump(append([]string{"merge_item"}, mergedTables...)...)
	for _, table := range []string{"verdict", "change_item", "observation", "exposure", "fact", "component", "coverage"} {
		journaled := 0
		for _, i := range now["merge_item"] {
			if strings.Contains(i, "kind="+table+" ") && strings.Contains(i, "op=removed ") {
				journaled++
			}
		}
		w.same(table+", kept or in the journal", len(now[table])+journaled, len(before[table]))
	}
	w.write(func(tx *Tx) error {
		places, err := tx.rows(w.ctx, "SELECT asset, weakness, locus FROM exposure WHERE workspace = $1", int64(w.ws))
		w.ok(err)
		for _, x := range []struct{ what, query string }{
			{"observations", "SELECT exposure FROM observation WHERE workspace = $1 AND exposure NOT IN (SELECT id FROM exposure WHERE workspace = $1)"},
			{"verdicts", "SELECT exposure FROM verdict WHERE workspace = $1 AND exposure NOT IN (SELECT id FROM exposure WHERE workspace = $1)"},
			{"exceptions", "SELECT exposure FROM exception WHERE workspace = $1 AND exposure NOT IN (SELECT id FROM exposure WHERE workspace = $1)"},
			{"exposures", "SELECT asset FROM exposure WHERE workspace = $1 AND asset NOT IN (SELECT id FROM asset WHERE workspace = $1)"},
			{"decisions without their exception", "SELECT id FROM exposure WHERE workspace = $1 AND state IN ('accepted', 'false_positive') AND id NOT IN (SELECT exposure FROM exception)"},
		} {
			rows, err := tx.rows(w.ctx, x.query, int64(w.ws))
			w.ok(err)
			if len(rows) > 0 {
				w.rt.Fatalf("%s of what is gone: %v (%d places)", x.what, rows, len(places))
			}
		}
		return nil
	})
}

// TestWorkBetween: what persons and runs do between a merge and its undoing is
// kept: decisions on both, sightings where they were made. None of the places says
// where another one lies: then more than two would be one.
func TestWorkBetween(t *testing.T) {
	mergeWorlds(t, []string{"tcp/1", "tcp/2", "#x", "web#y"}, func(rt *rapid.T, w *mergeWorld) {
		m := w.merge(w.assets[0], w.assets[1])
		pairs := map[gyre.ID]gyre.ID{} // survivor → loser
		w.write(func(tx *Tx) error {
			rows, err := tx.rows(w.ctx, "SELECT object_id, other_id FROM merge_item WHERE merge = $1 AND op = 'settled'", int64(m))
			for _, r := range rows {
				pairs[gyre.ID(r["object_id"].(int64))] = gyre.ID(r["other_id"].(int64))
			}
			return err
		})
		decided, fixed, seen := map[gyre.ID]gyre.State{}, map[gyre.ID]bool{}, map[gyre.ID]time.Time{}
		for _, id := range slices.Sorted(maps.Keys(pairs)) {
			switch rapid.IntRange(0, 3).Draw(rt, "work") {
			case 0:
				to := rapid.SampledFrom([]gyre.State{gyre.StateOpen, gyre.StateInRemediation, gyre.StateAccepted}).Draw(rt, "decision")
				ch, err := w.db.SetStates(w.ctx, w.ws, []gyre.ID{id}, to, "bob", "again", time.Now().Add(time.Hour))
				w.ok(err)
				if ch.Changed == 1 {
					decided[id] = to
				}
			case 1:
				all, err := w.db.Exposures(w.ctx, w.ws, []gyre.ID{id})
				w.ok(err)
				if all[0].State != gyre.StateFixed && all[0].State != gyre.StateFalsePositive {
					fixed[id] = true
					w.write(func(tx *Tx) error {
						return tx.CloseExposures(w.ctx, all, nil, gyre.Event{Actor: "run:9"}, hour(20))
					})
				}
			case 2:
				seen[id] = hour(21)
				w.write(func(tx *Tx) error { return tx.TouchExposures(w.ctx, []gyre.ID{id}, hour(21)) })
			}
		}
		before := map[gyre.ID]gyre.State{}
		w.write(func(tx *Tx) error {
			rows, err := tx.rows(w.ctx, "SELECT body FROM merge_item WHERE merge = $1 AND kind = 'exposure' AND op = 'removed'", int64(m))
			for _, r := range rows {
				var was struct {
					ID    int64
					State gyre.State
				}
				w.ok(fromJSON(r["body"].(string), &was))
				before[gyre.ID(was.ID)] = was.State
			}
			return err
		})
		verdicts := len(w.dump("verdict")["verdict"])
		_, err := w.db.UndoMerge(w.ctx, w.ws, m, "bob")
		w.ok(err)
		w.same("verdicts", len(w.dump("verdict")["verdict"]), verdicts)
		for survivor, loser := range pairs {
			all, err := w.db.Exposures(w.ctx, w.ws, []gyre.ID{survivor, loser})
			w.ok(err)
			w.same("both are there", len(all), 2)
			for _, e := range all {
				to, is := decided[survivor]
				switch {
				case is:
					w.same("decided since", e.State, to)
				case fixed[survivor] && e.ID == survivor:
					w.same("closed since", e.State, gyre.StateFixed)
				case e.ID == loser:
					w.same("as it was", e.State, before[loser])
				}
				if e.ID == survivor && !seen[survivor].IsZero() {
					w.same("seen since", e.LastSeen, seen[survivor])
				}
				if e.State == gyre.StateAccepted || e.State == gyre.StateFalsePositive {
					_, err := w.db.Exception(w.ctx, w.ws, e.ID)
					w.ok(err)
				}
			}
		}
	})
}
