// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/store"
)

// Run is the contract that every engine keeps. open returns a new database.
func Run(t *testing.T, open func(testing.TB) *store.DB) {
	for name, test := range map[string]func(*testing.T, *store.DB, gyre.ID){
		"Scopes":        testScopes,
		"Runs":          testRuns,
		"Cycles":        testCycles,
		"Events":        testEvents,
		"EventsOrdered": testEventsOrdered,
		"Accounts":      testAccounts,
		"Tokens":        testTokens,
		"Sessions":      testSessions,
		"Replies":       testReplies,
		"Audit":         testAudit,
		"Filters":       testFilters,
		"Intel":         testIntel,
		"Workspaces":    testWorkspaces,
		"States":        testStates,
		"Undo":          testUndo,
		"Expiry":        testExpiry,
		"Plan":          testPlan,
		"Linked":        testLinked,
		"Changes":       testChanges,
		"Assets":        testAssets,
		"Facts":         testFacts,
		"Projection":    testProjection,
		"Uploads":       testUploads,
		"Refs":          testRefs,
		"Trial":         testTrial,
	} {
		t.Run(name, func(t *testing.T) {
			db := open(t)
			ws, err := db.EnsureWorkspace(t.Context(), "main")
			ok(t, err)
			test(t, db, ws.ID)
		})
	}
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func code(t testing.TB, err error, want gyre.Code) {
	t.Helper()
	if got := gyre.ErrorCode(err); got != want {
		t.Fatalf("error %v has code %q, want %q", err, got, want)
	}
}

func same(t testing.TB, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("%s (-want +got):\n%s", what, d)
	}
}

// at is a time that both engines keep exactly.
var at = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)

func testWorkspaces(t *testing.T, db *store.DB, ws gyre.ID) {
	ctx := t.Context()
	again, err := db.EnsureWorkspace(ctx, "main")
	ok(t, err)
	same(t, "same workspace", again.ID, ws)
	other, err := db.EnsureWorkspace(ctx, "other")
	ok(t, err)
	_, err = db.CreateScope(ctx, ws, "ann", gyre.Scope{Name: "shop"})
	ok(t, err)
	mine, err := db.Scopes(ctx, other.ID)
	ok(t, err)
	if len(mine) != 0 {
		t.Fatalf("the other workspace sees %v", mine)
	}
	code(t, db.Write(ctx, 42, func(*store.Tx) error { return nil }), gyre.NotFound)
	ok(t, db.SetSetting(ctx, ws, "a", "1"))
	ok(t, db.SetSetting(ctx, ws, "a", "2"))
	v, err := db.Setting(ctx, ws, "a")
	ok(t, err)
	same(t, "setting", v, "2")
	v, err = db.Setting(ctx, other.ID, "a")
	ok(t, err)
	same(t, "setting of the other workspace", v, "")
}

func testScopes(t *testing.T, db *store.DB, ws gyre.ID) {
	ctx := t.Context()
	sc := gyre.Scope{Name: "shop", Owner: "ann", Worth: 100, Targets: []gyre.Target{{CIDR: "127.0.0.1", Ports: "80"}}}
	made, err := db.CreateScope(ctx, ws, "ann", sc)
	ok(t, err)
	got, err := db.Scope(ctx, ws, made.ID)
	ok(t, err)
	same(t, "scope", got, made)
	_, err = db.CreateScope(ctx, ws, "ann", sc)
	code(t, err, gyre.Conflict)
	made.Owner = "bob"
	_, err = db.UpdateScope(ctx, ws, "bob", made)
	ok(t, err)
	got, err = db.ScopeByName(ctx, ws, "shop")
	ok(t, err)
	same(t, "owner", got.Owner, "bob")
	ok(t, db.DeleteScope(ctx, ws, made.ID, "bob"))
	_, err = db.Scope(ctx, ws, made.ID)
	code(t, err, gyre.NotFound)
	code(t, db.DeleteScope(ctx, ws, made.ID, "bob"), gyre.NotFound)
	events, err := db.EventsOf(ctx, ws, made.ID, 10)
	ok(t, err)
	var kinds []string
	for _, e := range events {
		kinds = append(kinds, e.Kind+" by "+e.Actor)
	}
	same(t, "history", kinds, []string{"deleted by bob", "updated by bob", "created by ann"})
}

func testRuns(t *testing.T, db *store.DB, ws gyre.ID) {
	ctx := t.Context()
	run := gyre.Run{
		ID: gyre.NewID(), Workspace: ws, Cycle: gyre.NewID(), Source: "host", Target: "root:/", Status: gyre.RunRunning, Started: at,
	}
	ok(t, db.SaveRun(ctx, ws, run))
	run.Status, run.Ended, run.Counts.Assets = gyre.RunPartial, at.Add(time.Second), 3
	run.Problems = []gyre.Problem{{Place: "a", Reason: "b"}}
	ok(t, db.SaveRun(ctx, ws, run))
	got, err := db.Run(ctx, ws, run.ID)
	ok(t, err)
	same(t, "run", got, run)
	all, err := db.RunsOfCycle(ctx, ws, run.Cycle)
	ok(t, err)
	same(t, "runs of cycle", all, []gyre.Run{run})
	running := gyre.Run{ID: gyre.NewID(), Workspace: ws, Source: "dns", Status: gyre.RunRunning, Started: at}
	ok(t, db.SaveRun(ctx, ws, running))
	n, _, err := db.InterruptRuns(ctx)
	ok(t, err)
	same(t, "interrupted", n, 1)
	got, err = db.Run(ctx, ws, running.ID)
	ok(t, err)
	same(t, "status", got.Status, gyre.RunInterrupted)
	newest, err := db.Runs(ctx, ws, 0, 1)
	ok(t, err)
	same(t, "newest", newest[0].ID, running.ID)
	_, err = db.Run(ctx, ws+1, run.ID)
	code(t, err, gyre.NotFound)
}

func testCycles(t *testing.T, db *store.DB, ws gyre.ID) {
	ctx := t.Context()
	_, err := db.LatestCycle(ctx, ws)
	code(t, err, gyre.NotFound)
	c, err := db.CreateCycle(ctx, ws, gyre.Cycle{State: gyre.CycleRunning, Trigger: "ann", Started: at, Stages: []gyre.CycleStage{{Stage: gyre.StageDiscover, State: "running"}}})
	ok(t, err)
	same(t, "number", c.Number, 1)
	_, err = db.CreateCycle(ctx, ws, gyre.Cycle{State: gyre.CycleRunning, Started: at})
	code(t, err, gyre.Conflict)
	c.Before = gyre.Tally{Assets: 2, Risk: 12.5, Bands: map[gyre.Band]int{gyre.BandHigh: 1}}
	told, cancel := db.Subscribe(ws)
	defer cancel()
	ok(t, db.UpdateCycle(ctx, ws, c))
	select {
	case <-told:
	case <-time.After(5 * time.Second):
		t.Fatal("progress of a cycle was not told")
	}
	got, err := db.Cycle(ctx, ws, c.ID)
	ok(t, err)
	same(t, "cycle", got, c)
	_, n, err := db.InterruptRuns(ctx)
	ok(t, err)
	same(t, "interrupted", n, 1)
	got, err = db.CycleByNumber(ctx, ws, 1)
	ok(t, err)
	same(t, "state", got.State, gyre.CycleInterrupted)
	same(t, "stage", got.Stages[0].State, "cancelled")
	second, err := db.CreateCycle(ctx, ws, gyre.Cycle{State: gyre.CycleRunning, Started: at})
	ok(t, err)
	same(t, "next number", second.Number, 2)
	got.State = gyre.CycleRunning
	code(t, db.UpdateCycle(ctx, ws, got), gyre.Conflict)
	all, err := db.Cycles(ctx, ws, 10)
	ok(t, err)
	same(t, "newest first", []int{all[0].Number, all[1].Number}, []int{2, 1})
}

var errStop = errors.New("stop")

func testEvents(t *testing.T, db *store.DB, ws gyre.ID) {
	ctx := t.Context()
	told, cancel := db.Subscribe(ws)
	defer cancel()
	write := func(fail error) error {
		return db.Write(ctx, ws, func(tx *store.Tx) error {
			tx.Append(gyre.Event{Object: "exposure", ID: 7, Kind: "state", From: "open", To: "fixed", Actor: "run:x", Run: 9, Reason: strings.Repeat("ü", 100), Details: `{"a":1}`})
			tx.Append(gyre.Event{Object: "exposure", ID: 8, Kind: "created", Actor: "ann"})
			return fail
		})
	}
	ok(t, write(nil))
	if err := write(errStop); !errors.Is(err, errStop) {
		t.Fatalf("error %v", err)
	}
	ok(t, write(nil))
	select {
	case seq := <-told:
		if seq != 2 && seq != 4 {
			t.Fatalf("told of event %d", seq)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("subscriber was not told")
	}
	events, err := db.EventsSince(ctx, ws, 1, 10)
	ok(t, err)
	var seqs []int64
	for _, e := range events {
		seqs = append(seqs, e.Seq)
	}
	same(t, "numbers without the undone ones", seqs, []int64{2, 3, 4})
	same(t, "run", events[1].Run, gyre.ID(9))
	same(t, "details", events[1].Details, `{"a":1}`)
	last, err := db.LastSeq(ctx, ws)
	ok(t, err)
	same(t, "last", last, int64(4))
	of, err := db.EventsOf(ctx, ws, 8, 10)
	ok(t, err)
	same(t, "events of an object", len(of), 2)
}

// testEventsOrdered: while many write, a reader that asks for what is new
// never skips a number.
func testEventsOrdered(t *testing.T, db *store.DB, ws gyre.ID) {
	ctx := t.Context()
	const writers, each = 6, 20
	done := make(chan error, writers)
	for w := range writers {
		go func() {
			var err error
			for i := range each {
				if err = db.Write(ctx, ws, func(tx *store.Tx) error {
					for range 1 + (w+i)%3 {
						tx.Append(gyre.Event{Object: "exposure", ID: gyre.ID(w + 1), Kind: "created"})
					}
					return nil
				}); err != nil {
					break
				}
			}
			done <- err
		}()
	}
	seen, left := int64(0), writers
	for {
		events, err := db.EventsSince(ctx, ws, seen, 7)
		ok(t, err)
		for _, e := range events {
			if e.Seq != seen+1 {
				t.Fatalf("after event %d came %d", seen, e.Seq)
			}
			seen = e.Seq
		}
		if left == 0 && len(events) == 0 {
			break
		}
		select {
		case err := <-done:
			ok(t, err)
			left--
		default:
		}
	}
	last, err := db.LastSeq(ctx, ws)
	ok(t, err)
	same(t, "read to the end", seen, last)
	if last < writers*each {
		t.Fatalf("only %d events", last)
	}
}

func testAccounts(t *testing.T, db *store.DB, ws gyre.ID) {
	ctx := t.Context()
	n, err := db.CountAccounts(ctx)
	ok(t, err)
	same(t, "accounts", n, 0)
	a, err := db.CreateFirstAccount(ctx, ws, gyre.Account{Name: "ann", Role: gyre.RoleAdmin, PasswordHash: "h", MustChange: true})
	ok(t, err)
	_, err = db.CreateFirstAccount(ctx, ws, gyre.Account{Name: "eve", Role: gyre.RoleAdmin})
	code(t, err, gyre.Conflict)
	_, err = db.CreateAccount(ctx, ws, gyre.Account{Name: "ann"})
	code(t, err, gyre.Conflict)
	got, err := db.AccountByName(ctx, "ann")
	ok(t, err)
	same(t, "account", got, a)
	done := make(chan error)
	for range 10 {
		go func() {
			_, err := db.ChangeAccount(ctx, ws, a.ID, func(a *gyre.Account) error { a.Failures++; return nil })
			done <- err
		}()
	}
	for range 10 {
		ok(t, <-done)
	}
	got, err = db.Account(ctx, ws, a.ID)
	ok(t, err)
	same(t, "every failure is counted", got.Failures, 10)
	_, err = db.CreateToken(ctx, ws, gyre.Token{Account: a.ID, Hash: "x"})
	ok(t, err)
	ok(t, db.DeleteAccount(ctx, ws, a.ID))
	_, err = db.TokenByHash(ctx, "x")
	code(t, err, gyre.NotFound)
	code(t, db.DeleteAccount(ctx, ws, a.ID), gyre.NotFound)
}

func testTokens(t *testing.T, db *store.DB, ws gyre.ID) {
	ctx := t.Context()
	a, err := db.CreateToken(ctx, ws, gyre.Token{Account: 5, Name: "ci", Hash: "h1", Scopes: []string{"read", "write"}, Expires: at})
	ok(t, err)
	_, err = db.CreateToken(ctx, ws, gyre.Token{Account: 6, Name: "cd", Hash: "h2"})
	ok(t, err)
	got, err := db.TokenByHash(ctx, "h1")
	ok(t, err)
	same(t, "token", got, a)
	ok(t, db.TouchToken(ctx, ws, a.ID))
	mine, err := db.Tokens(ctx, ws, 5)
	ok(t, err)
	if len(mine) != 1 || mine[0].LastUsed.IsZero() {
		t.Fatalf("tokens of the account: %+v", mine)
	}
	all, err := db.Tokens(ctx, ws, 0)
	ok(t, err)
	same(t, "tokens of the workspace", len(all), 2)
	ok(t, db.DeleteToken(ctx, ws, a.ID))
	code(t, db.DeleteToken(ctx, ws, a.ID), gyre.NotFound)
}

func testSessions(t *testing.T, db *store.DB, _ gyre.ID) {
	ctx, s := t.Context(), db.Sessions()
	ok(t, s.CommitCtx(ctx, "a", []byte("one"), time.Now().Add(time.Hour)))
	ok(t, s.CommitCtx(ctx, "a", []byte{0, 1, 2}, time.Now().Add(time.Hour)))
	ok(t, s.CommitCtx(ctx, "old", []byte("old"), time.Now().Add(-time.Hour)))
	data, found, err := s.FindCtx(ctx, "a")
	ok(t, err)
	same(t, "data", data, []byte{0, 1, 2})
	same(t, "found", found, true)
	_, found, err = s.FindCtx(ctx, "old")
	ok(t, err)
	same(t, "an expired session is found", found, false)
	all, err := s.AllCtx(ctx)
	ok(t, err)
	same(t, "sessions", len(all), 1)
	took := make(chan bool)
	for range 5 {
		go func() {
			_, found, err := s.TakeCtx(ctx, "a")
			took <- found && err == nil
		}()
	}
	n := 0
	for range 5 {
		if <-took {
			n++
		}
	}
	same(t, "takers that got it", n, 1)
	ok(t, db.Sweep(ctx))
}

func testReplies(t *testing.T, db *store.DB, ws gyre.ID) {
	ctx := t.Context()
	r, err := db.ClaimReply(ctx, ws, "k", "digest")
	ok(t, err)
	if r != nil {
		t.Fatalf("a new key has a reply: %+v", r)
	}
	r, err = db.ClaimReply(ctx, ws, "k", "digest")
	ok(t, err)
	same(t, "status while it is served", r.Status, 0)
	ok(t, db.SaveReply(ctx, ws, "k", 201, []byte("body")))
	r, err = db.ClaimReply(ctx, ws, "k", "other")
	ok(t, err)
	same(t, "status", r.Status, 201)
	same(t, "request", r.Request, "digest")
	same(t, "body", string(r.Body), "body")
	_, err = db.ClaimReply(ctx, ws, "k2", "digest")
	ok(t, err)
	ok(t, db.DropReply(ctx, ws, "k2"))
	r, err = db.ClaimReply(ctx, ws, "k2", "digest")
	ok(t, err)
	if r != nil {
		t.Fatal("a dropped key is still taken")
	}
}

func testAudit(t *testing.T, db *store.DB, ws gyre.ID) {
	ctx := t.Context()
	for _, a := range []string{"session.create", "scope.update", "token.create"} {
		ok(t, db.AppendAudit(ctx, ws, gyre.AuditEntry{Actor: "ann", Action: a, Outcome: "ok"}))
	}
	page, err := db.Audit(ctx, ws, 0, 2)
	ok(t, err)
	same(t, "newest", page[0].Action, "token.create")
	page, err = db.Audit(ctx, ws, page[1].ID, 2)
	ok(t, err)
	same(t, "oldest", page[0].Action, "session.create")
	same(t, "left", len(page), 1)
}

func testFilters(t *testing.T, db *store.DB, ws gyre.ID) {
	ctx := t.Context()
	f, err := db.CreateFilter(ctx, ws, gyre.SavedFilter{Name: "bad", For: "exposures", Filter: "risk > 80.0", Owner: 3})
	ok(t, err)
	_, err = db.CreateFilter(ctx, ws, gyre.SavedFilter{Name: "bad"})
	code(t, err, gyre.Conflict)
	all, err := db.Filters(ctx, ws)
	ok(t, err)
	same(t, "filters", all, []gyre.SavedFilter{f})
	ok(t, db.DeleteFilter(ctx, ws, f.ID))
	code(t, db.DeleteFilter(ctx, ws, f.ID), gyre.NotFound)
}
