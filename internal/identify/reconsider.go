// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package identify

import (
	"context"
	"fmt"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
)

// Reconsider holds software that was last seen before a time, by uploads and by
// targets that were not looked at since, against the advisories that are known now. It
// returns how many exposures that brought to light.
//
// Nobody has looked anew. So it speaks only of exposures that the estate does not
// have yet, dates them from the look that saw the software, and covers nothing.
func (s *Stage) Reconsider(ctx context.Context, ws, cycle gyre.ID, before time.Time) (int, error) {
	runs, err := s.Store.RunsBehindComponents(ctx, ws, before)
	if err != nil {
		return 0, fmt.Errorf("find runs behind known software: %w", err)
	}
	found := 0
	for _, run := range runs {
		n, err := s.reconsider(ctx, ws, cycle, run, before)
		if err != nil {
			return found, fmt.Errorf("reconsider run %s of %s: %w", run.ID, run.Source, err)
		}
		found += n
	}
	return found, nil
}

func (s *Stage) reconsider(ctx context.Context, ws, cycle gyre.ID, run gyre.Run, before time.Time) (int, error) {
	late := &late{stage: s, ws: ws, cycle: cycle, run: run, known: map[gyre.ID]map[at]bool{}}
	j := newJudging(s, ws, run, late)
	err := j.learn(ctx)
	if err == nil {
		err = j.components(ctx, before)
	}
	if err == nil {
		err = j.flush(ctx)
	}
	if late.open == nil { // nothing new, so no run that says so
		return 0, err
	}
	own, endErr := j.end(ctx, late.open, err)
	return own.Counts.Created, endErr
}

// late is a Session that begins with the first finding of something that is not known.
type late struct {
	stage     *Stage
	ws, cycle gyre.ID
	run       gyre.Run
	open      Session
	known     map[gyre.ID]map[at]bool // by asset
}

// at is a name of a weakness at a locus.
type at struct{ locus, weakness string }

// Emit implements Session.
func (l *late) Emit(ctx context.Context, b *gyre.Batch) error {
	var fresh []gyre.Finding
	for _, f := range b.Findings {
		known, err := l.knows(ctx, f)
		if err != nil {
			return err
		}
		if !known {
			fresh = append(fresh, f)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	if l.open == nil {
		var err error
		if l.open, err = l.stage.begin(ctx, l.ws, l.cycle, l.run); err != nil {
			return err
		}
	}
	return l.open.Emit(ctx, &gyre.Batch{Findings: fresh})
}

// Finish implements Session.
func (l *late) Finish(ctx context.Context, status gyre.RunStatus, report plugin.Report) (gyre.Run, error) {
	return l.open.Finish(ctx, status, report)
}

func (l *late) knows(ctx context.Context, f gyre.Finding) (bool, error) {
	asset, err := assetOf(f.Asset)
	if err != nil {
		return false, err
	}
	if l.known[asset] == nil {
		l.known[asset] = map[at]bool{}
		err := l.stage.Store.EachWeaknessAt(ctx, l.ws, asset, func(locus, name string) error {
			l.known[asset][at{locus, name}] = true
			return nil
		})
		if err != nil {
			return false, fmt.Errorf("read known exposures: %w", err)
		}
	}
	for _, name := range append([]string{f.Weakness.Key}, f.Weakness.Aliases...) {
		if l.known[asset][at{f.Locus, name}] {
			return true, nil
		}
	}
	return false, nil
}
