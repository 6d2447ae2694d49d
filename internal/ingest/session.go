// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/ingest/identity"
	"github.com/gyre-ctem/gyre/plugin"
)

// Ingest opens sessions.
type Ingest struct {
	InTx InTx
	Now  func() time.Time
	// How far apart in time sightings of an address, or a name, still are of one
	// asset; 0 is identity.Defaults.
	AddressBinding, NameBinding time.Duration
	// ActionKey is the key of the action that removes an exposure, whose weakness
	// has a key. New exposures are stored as part of theirs, so that planning need not
	// put them there one by one; nil leaves all of it to the plan.
	ActionKey func(e *gyre.Exposure, weakness string) string
}

func (in *Ingest) binding() identity.Binding {
	return identity.Binding{Address: cmp.Or(in.AddressBinding, identity.Defaults.Address), Name: cmp.Or(in.NameBinding, identity.Defaults.Name)}
}

// Session is one run on its way into the estate. Safe for concurrent use.
type Session struct {
	in    *Ingest
	ws    gyre.ID
	began time.Time

	// dated says that all of it was seen when the run started.
	dated bool
	// resume is set for a run that a later process can take up again.
	resume *resume

	ready sync.Map // *gyre.Batch: the []prepared of those that Prepare has seen

	mu    sync.Mutex
	run   gyre.Run
	ended bool
	// refs are the assets that the run's refs were when they came up; 0 is a ref
	// that was dropped. write.now says what has become of them.
	refs map[gyre.Ref]gyre.ID
	// own are the merges that the run made itself.
	own map[gyre.ID]gyre.ID
	// seen are the assets that were sighted; noted those that the run has said
	// anything of, and which the store knows it touched.
	seen, noted map[gyre.ID]bool
	repeated    repeated
	actions     map[string]gyre.ID // by key: actions stay
}

// Begin stores the run and opens its session. run.Started is when the source
// began to look: now for a live source, the report's own date for an old report. Sightings
// are dated from it.
func (in *Ingest) Begin(ctx context.Context, ws gyre.ID, run gyre.Run, options ...Option) (*Session, error) {
	now := in.now()
	if run.ID == 0 {
		run.ID = gyre.NewID()
	}
	if run.Source == "" {
		return nil, gyre.FieldErrorf(gyre.Invalid, "source", "a run needs a source")
	}
	run.Started = micro(cmpTime(run.Started, now))
	if run.Started.After(now) {
		// A report dated in the future would keep later runs from closing anything.
		run.Started = now
	}
	run.Workspace, run.Status = ws, gyre.RunRunning
	s := &Session{in: in, ws: ws, began: now, run: run, refs: map[gyre.Ref]gyre.ID{}, own: map[gyre.ID]gyre.ID{}, seen: map[gyre.ID]bool{}, noted: map[gyre.ID]bool{}, actions: map[string]gyre.ID{}}
	for _, option := range options {
		option(s)
	}
	err := in.InTx(ctx, ws, func(tx Tx) error {
		tx.Append(gyre.Event{Object: "run", ID: run.ID, Kind: "started", To: run.Source, Actor: actor(run), Run: run.ID, Reason: run.Target})
		if err := tx.SaveRun(ctx, run); err != nil {
			return err
		}
		return s.resume.began(ctx, tx, run.ID)
	})
	if err != nil {
		return nil, fmt.Errorf("begin run of %s: %w", run.Source, err)
	}
	return s, nil
}

// BeginDated is Begin for a run that says anew what was learned before.
func (in *Ingest) BeginDated(ctx context.Context, ws gyre.ID, run gyre.Run) (*Session, error) {
	return in.Begin(ctx, ws, run, Dated())
}

// Option says something more of a session.
type Option func(*Session)

// Dated is for a run that says anew what was learned before: however long it
// takes, and however often it is repeated, all of it is dated run.Started.
func Dated() Option { return func(s *Session) { s.dated = true } }

func (in *Ingest) now() time.Time {
	if in.Now == nil {
		return micro(time.Now())
	}
	return micro(in.Now())
}

func micro(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

func cmpTime(t, otherwise time.Time) time.Time {
	if t.IsZero() {
		return otherwise
	}
	return t
}

func actor(r gyre.Run) string { return "run:" + r.ID.String() }

// at is when what is being stored was seen: as far after the run's start as now
// is after the session's.
func (s *Session) at() time.Time {
	if s.dated {
		return s.run.Started
	}
	return s.run.Started.Add(max(0, s.in.now().Sub(s.began)))
}

// Prepare brings the findings of a batch that is about to be emitted into normal
// form: what of Emit needs no store, and can be done while another batch is stored. The
// batch is the session's from now on.
func (s *Session) Prepare(b *gyre.Batch) error {
	if err := checkSize(b); err != nil {
		return err
	}
	all := make([]prepared, len(b.Findings))
	for i := range b.Findings {
		var err error
		if all[i], err = prepare(&b.Findings[i]); err != nil {
			return at("findings", i, err)
		}
	}
	s.ready.Store(b, all)
	return nil
}

// Emit stores a batch, all of it or nothing.
func (s *Session) Emit(ctx context.Context, b *gyre.Batch) error {
	if err := checkSize(b); err != nil {
		return err
	}
	ready, _ := s.ready.LoadAndDelete(b)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return gyre.Errorf(gyre.Conflict, "the run has ended")
	}
	if s.resume.skip() {
		return nil
	}
	var w *write
	err := s.in.InTx(ctx, s.ws, func(tx Tx) error {
		w = s.write(tx)
		w.prepared, _ = ready.([]prepared)
		if err := w.batch(ctx, b); err != nil {
			return err
		}
		return s.resume.stored(ctx, s, w)
	})
	if err != nil {
		return fmt.Errorf("ingest batch of %s: %w", s.run.Source, err)
	}
	s.resume.committed()
	s.run.Counts = w.counts
	maps.Copy(s.refs, w.added)
	maps.Copy(s.seen, w.seen)
	maps.Copy(s.noted, w.touched)
	s.follow(w)
	s.repeated.learn(w)
	maps.Copy(s.actions, w.acted)
	s.run.Counts.Assets = len(s.seen)
	return nil
}

// follow follows assets that turned out to be others.
func (s *Session) follow(w *write) {
	s.own = w.own
	maps.Copy(s.own, w.made)
	for from := range w.merged {
		into := w.now(from)
		if s.noted[from] {
			s.noted[into] = true
		}
		if _, counted := s.seen[into]; !counted && !s.seen[from] {
			if _, was := s.seen[from]; was {
				s.seen[into] = false
			}
		}
		delete(s.seen, from)
		delete(s.noted, from)
	}
}

// Finish ends the run: one that succeeded closes what it covered and did not
// see, in the same transaction as its status.
func (s *Session) Finish(ctx context.Context, status gyre.RunStatus, report plugin.Report) (gyre.Run, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return s.run, gyre.Errorf(gyre.Conflict, "the run has ended")
	}
	run := s.run
	run.Status, run.Ended = status, s.in.now()
	run.Problems = problems(report.Problems)
	run.Limits = words(report.Limits, 1<<10)
	err := s.in.InTx(ctx, s.ws, func(tx Tx) error {
		w := s.write(tx)
		if err := w.end(ctx, status); err != nil {
			return err
		}
		run.Counts, run.Until = w.counts, w.at
		tx.Append(gyre.Event{Object: "run", ID: run.ID, Kind: "ended", To: string(status), Actor: actor(run), Run: run.ID, Reason: run.Target})
		if err := tx.SaveRun(ctx, run); err != nil {
			return err
		}
		return s.resume.ended(ctx, tx, run)
	})
	if err != nil {
		return s.run, fmt.Errorf("finish run of %s: %w", s.run.Source, err)
	}
	s.run, s.ended = run, true
	return run, nil
}

// A run that says more than this says it with its status.
const maxProblems = 1000

func problems(all []gyre.Problem) []gyre.Problem {
	var out []gyre.Problem
	for i, p := range all {
		if i == maxProblems {
			out = append(out, gyre.Problem{Place: "run", Reason: fmt.Sprintf("%d more", len(all)-i)})
			break
		}
		out = append(out, gyre.Problem{Place: prose(p.Place, maxLocus), Reason: prose(p.Reason, 1<<10)})
	}
	return out
}

// write is one transaction of a session. It leaves the session as it is: what
// it adds is taken over when it is committed.
type write struct {
	tx     Tx
	run    gyre.Run
	by     string // the person, where there is no run
	at     time.Time
	counts gyre.RunCounts
	refs   map[gyre.Ref]gyre.ID // of earlier transactions
	added  map[gyre.Ref]gyre.ID // of this one
	seen   map[gyre.ID]bool
	// merged are the assets that others are by now; own and made those that this
	// run made so itself, in earlier transactions and in this one.
	merged, own, made map[gyre.ID]gyre.ID
	// touched are the assets that this batch says anything of but coverage;
	// noted those of earlier ones.
	touched, noted map[gyre.ID]bool
	// fresh are the assets that this transaction has made; reshaped: others were
	// merged or taken apart.
	fresh    map[gyre.ID]bool
	reshaped bool
	prepared []prepared // of the batch's findings, if they are in normal form already
	// known are the weaknesses of which saying the same again changes nothing;
	// learned those that this transaction adds; renamed: names are of other weaknesses now.
	known, learned map[said]named
	renamed        bool
	binding        identity.Binding
	actionKey      func(e *gyre.Exposure, weakness string) string
	actions, acted map[string]gyre.ID // by key: of earlier transactions, and found in this one
}

func (s *Session) write(tx Tx) *write {
	tx.By(actor(s.run), s.run.ID)
	return &write{
		tx: tx, run: s.run, at: micro(s.at()), counts: s.run.Counts,
		refs: s.refs, added: map[gyre.Ref]gyre.ID{}, seen: map[gyre.ID]bool{},
		merged: map[gyre.ID]gyre.ID{}, own: maps.Clone(s.own), made: map[gyre.ID]gyre.ID{},
		touched: map[gyre.ID]bool{}, noted: s.noted, binding: s.in.binding(),
		fresh: map[gyre.ID]bool{}, known: s.repeated.at(tx.Seq()), learned: map[said]named{},
		actionKey: s.in.ActionKey, actions: s.actions,
	}
}

func (w *write) batch(ctx context.Context, b *gyre.Batch) error {
	if err := w.follow(ctx); err != nil {
		return err
	}
	if err := w.assets(ctx, b); err != nil {
		return err
	}
	for _, part := range []func(context.Context, *gyre.Batch) error{w.relations, w.components, w.facts, w.coverage, w.findings} {
		if err := part(ctx, b); err != nil {
			return err
		}
	}
	return w.note(ctx)
}

// note tells the store which assets the run has touched, and its scope which
// it has sighted.
func (w *write) note(ctx context.Context) error {
	var sighted, others []gyre.ID
	for _, id := range sortedKeys(w.touched) {
		_, is := w.seen[id]
		switch {
		case is:
			sighted = append(sighted, id)
		case !w.noted[id]:
			others = append(others, id)
		}
	}
	fresh, err := w.tx.NoteRun(ctx, w.run.ID, w.run.Scope, sighted)
	if err != nil {
		return err
	}
	for _, id := range fresh {
		w.event(gyre.Event{Object: "asset", ID: id, Kind: "scope", To: w.run.Scope.String()})
	}
	_, err = w.tx.NoteRun(ctx, w.run.ID, 0, others)
	return err
}

// event is one of this run.
func (w *write) event(e gyre.Event) {
	e.Actor, e.Run = actor(w.run), w.run.ID
	w.tx.Append(e)
}

// asset is the asset behind a ref; ok is false for one that was dropped.
func (w *write) asset(field string, ref gyre.Ref) (id gyre.ID, ok bool, err error) {
	id, known := w.lookup(ref)
	if !known {
		return 0, false, gyre.FieldErrorf(gyre.Invalid, field, "asset %q was not introduced", prose(string(ref), 80))
	}
	return id, id != 0, nil
}

func (w *write) lookup(ref gyre.Ref) (gyre.ID, bool) {
	id, known := w.added[ref]
	if !known {
		id, known = w.refs[ref]
	}
	return w.now(id), known // merged ones point on
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

func at(part string, i int, err error) error {
	e, ok := err.(*gyre.Error) //nolint:errorlint // ours, made here
	if !ok {
		return err
	}
	return gyre.FieldErrorf(e.Code, fmt.Sprintf("%s[%d].%s", part, i, e.Field), "%s", e.Message)
}
