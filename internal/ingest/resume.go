// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"context"
	"fmt"

	"github.com/gyre-ctem/gyre"
)

// resume is what makes a run of an upload one that another process can go on
// with: in the transaction of each batch the upload learns how many are stored and
// what they brought, and a worker that has lost the upload is stopped. Nil is any other run.
type resume struct {
	upload gyre.Upload // as it was claimed; Fence is ours
	// step is where the upload stands while the run goes on, next where it goes
	// in the transaction that ends it.
	step, next gyre.UploadState
	applied    int // stored by earlier processes: to be passed over
	emitted    int
	base       gyre.RunCounts // what others brought before this run
}

// Storing is for the run that stores an upload.
func Storing(u gyre.Upload) Option {
	return func(s *Session) {
		s.dated = true
		s.resume = &resume{upload: u, step: gyre.UploadStoring, next: gyre.UploadJudging}
	}
}

// Judging is for the run that judges what an upload brought. It cannot be taken
// up in the middle, but be repeated; what was created at the first try is counted still.
func Judging(u gyre.Upload) Option {
	return func(s *Session) {
		s.dated = true
		base := u.Counts
		base.Findings = u.Stage.Findings // it will see everything again
		s.resume = &resume{upload: u, step: gyre.UploadJudging, next: gyre.UploadPlanning, base: base}
	}
}

// TakeUp opens the session of an upload's run that another process began. The
// batches that it stored are to be emitted again, and passed over.
func (in *Ingest) TakeUp(ctx context.Context, ws gyre.ID, u gyre.Upload) (*Session, error) {
	s := &Session{in: in, ws: ws, began: in.now(), refs: map[gyre.Ref]gyre.ID{}, own: map[gyre.ID]gyre.ID{}, seen: map[gyre.ID]bool{}, noted: map[gyre.ID]bool{}, actions: map[string]gyre.ID{}}
	Storing(u)(s)
	s.resume.applied = u.Stored
	err := in.InTx(ctx, ws, func(tx Tx) error {
		var err error
		if s.run, err = tx.Run(ctx, u.Run); err != nil {
			return err
		}
		if s.own, err = ownMerges(ctx, tx, u.Run); err != nil {
			return err
		}
		if s.run.Status != gyre.RunRunning { // somebody took it for lost
			s.run.Status, s.run.Ended = gyre.RunRunning, zero
			if err := tx.SaveRun(ctx, s.run); err != nil {
				return err
			}
		}
		return tx.EachRef(ctx, u.Run, func(ref gyre.Ref, asset gyre.ID, sighted bool) {
			s.refs[ref] = asset
			if sighted && asset != 0 {
				s.seen[asset], s.noted[asset] = false, true
			}
		})
	})
	if err != nil {
		return nil, fmt.Errorf("take up run %s: %w", u.Run, err)
	}
	s.run.Counts = u.Stage
	return s, nil
}

func (r *resume) of(s gyre.UploadStep) gyre.UploadStep {
	s.Upload, s.Fence, s.Stored = r.upload.ID, r.upload.Fence, r.emitted
	return s
}

func (r *resume) began(ctx context.Context, tx Tx, run gyre.ID) error {
	if r == nil {
		return nil
	}
	if r.step == gyre.UploadStoring {
		return tx.StepUpload(ctx, r.of(gyre.UploadStep{From: gyre.UploadChecking, To: r.step, Run: run}))
	}
	r.emitted = r.upload.Stored
	return tx.StepUpload(ctx, r.of(gyre.UploadStep{From: r.step, To: r.step, Judged: run, Counts: r.base, Stage: r.upload.Stage}))
}

// skip counts a batch and says whether it is stored already.
func (r *resume) skip() bool {
	if r == nil || r.emitted >= r.applied {
		return false
	}
	r.emitted++
	return true
}

// stored notes a batch in the transaction that stores it.
func (r *resume) stored(ctx context.Context, s *Session, w *write) error {
	if r == nil {
		return nil
	}
	counts := w.counts
	counts.Assets = len(s.seen)
	for id := range w.seen {
		if _, before := s.seen[id]; !before {
			counts.Assets++
		}
	}
	for id := range w.merged {
		if _, before := s.seen[id]; !before {
			continue
		}
		into := w.now(id)
		_, also := s.seen[into]
		if _, now := w.seen[into]; also || now {
			counts.Assets--
		}
	}
	step := r.of(gyre.UploadStep{From: r.step, To: r.step, Counts: counts, Stage: counts})
	if r.step == gyre.UploadJudging {
		step.Counts, step.Stage = sum(r.base, w.counts), r.upload.Stage
		return w.tx.StepUpload(ctx, step)
	}
	step.Stored++
	if err := w.tx.StepUpload(ctx, step); err != nil {
		return err
	}
	return r.saveRefs(ctx, s, w)
}

// saveRefs keeps the refs that the batch brought.
func (r *resume) saveRefs(ctx context.Context, s *Session, w *write) error {
	n := len(w.added)
	refs, assets, sighted := sortedKeys(w.added), make([]gyre.ID, n), make([]bool, n)
	for i, ref := range refs {
		id := w.added[ref]
		_, now := w.seen[id]
		_, before := s.seen[id]
		assets[i], sighted[i] = id, now || before
	}
	return w.tx.SaveRefs(ctx, s.run.ID, refs, assets, sighted)
}

// committed says that the transaction of a batch is done.
func (r *resume) committed() {
	if r != nil && r.step == gyre.UploadStoring {
		r.emitted++
	}
}

// ended moves the upload on in the transaction that ends the run. A run that
// failed leaves it where it is: its worker ends it.
func (r *resume) ended(ctx context.Context, tx Tx, run gyre.Run) error {
	if r == nil || run.Status == gyre.RunFailed || run.Status == gyre.RunCancelled {
		return nil
	}
	if r.step == gyre.UploadJudging {
		return tx.StepUpload(ctx, r.of(gyre.UploadStep{From: r.step, To: r.next, Counts: sum(r.base, run.Counts), Stage: r.upload.Stage}))
	}
	if err := tx.StepUpload(ctx, r.of(gyre.UploadStep{From: r.step, To: r.next, Counts: run.Counts, Stage: run.Counts})); err != nil {
		return err
	}
	return tx.DropRefs(ctx, run.ID)
}

// sum adds what judging brought to what storing did.
func sum(a, b gyre.RunCounts) gyre.RunCounts {
	a.Findings += b.Findings
	a.Created += b.Created
	a.Reopened += b.Reopened
	a.Closed += b.Closed
	return a
}
