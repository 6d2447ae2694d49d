// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package cycle

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/remediate"
)

// PlanStore is what planning reads. Unknown IDs are left out of answers.
type PlanStore interface {
	Assets(ctx context.Context, ws gyre.ID, ids []gyre.ID) ([]gyre.Asset, error)
	Weaknesses(ctx context.Context, ws gyre.ID, ids []gyre.ID) ([]gyre.Weakness, error)

	// Seq is the number of the newest event.
	Seq(ctx context.Context, ws gyre.ID) (int64, error)
	// PlanMark is the mark of the newest plan that was saved whole.
	PlanMark(ctx context.Context, ws gyre.ID) (string, error)
	// PlanChanges says what happened after one event, up to another one:
	// everything; or exposures, those of them that moved, and actions.
	PlanChanges(ctx context.Context, ws gyre.ID, from, to int64) (everything bool, exposures, moved, actions []gyre.ID, err error)
	// EachPlanRow calls fn for exposures, all that are active with ids nil: where they
	// lie, their state, remedy and action.
	EachPlanRow(ctx context.Context, ws gyre.ID, ids []gyre.ID, fn func(e gyre.Exposure, action gyre.ID) error) error
	// FormerActions are the actions in which exposures ever were.
	FormerActions(ctx context.Context, ws gyre.ID, exposures []gyre.ID) ([]gyre.ID, error)
	// EachMember is EachPlanRow for the active exposures of actions; Members says
	// how many those are at most.
	EachMember(ctx context.Context, ws gyre.ID, actions []gyre.ID, fn func(e gyre.Exposure, action gyre.ID) error) error
	Members(ctx context.Context, actions []gyre.ID) (map[gyre.ID]int, error)
	// ActionKeys are the actions by their key.
	ActionKeys(ctx context.Context, ws gyre.ID) (map[string]gyre.ID, error)
	// PlannedActions counts the actions that have work left.
	PlannedActions(ctx context.Context, ws gyre.ID) (int, error)
}

// Plan is the remediate stage: it groups what is active into actions.
//
// It plans anew only what changed since the plan before: the actions which
// exposures join, leave or changed in, also because their asset or weakness did. The
// event log says which they are. New intelligence, a changed scope, another edition of
// the program and a plan that was never finished make it plan everything. Either way it
// works on some actions at a time, so memory does not grow with the estate but by
// a few bytes for each exposure that is planned anew.
type Plan struct {
	// Risks returns the risk of exposures as they stand now.
	Risks  func(ctx context.Context, ws gyre.ID) (func(exposure gyre.ID) float64, error)
	Store  PlanStore
	Guides remediate.Guides
	// Edition changes with whatever else a plan depends on: the program and its checks.
	Edition string
	Save    func(ctx context.Context, ws gyre.ID, part PlanPart) error
	Now     func() time.Time

	mu sync.Mutex // plans of one process take turns
}

// PlanPart is a part of a plan: some actions as they are to be, and those of
// which nothing is left.
type PlanPart struct {
	Drafts []remediate.Draft
	Empty  []gyre.ID
	// Mark is to be kept with the part, unless it is empty.
	Mark string
	// Stood is how the exposures of the drafts stood at the event Seq, or later.
	Stood []Standing
	Seq   int64
}

// Standing is what a plan has read of an exposure.
type Standing struct {
	Exposure, Action gyre.ID
	State            gyre.State
}

const (
	planChunk = 500 // exposures read at a time
	// planPart bounds the exposures whose actions are made and saved together, while
	// the next ones are read; a single action may have more.
	planPart = 2_500
)

// Plan implements Remediator.
func (p *Plan) Plan(ctx context.Context, ws gyre.ID) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	mark, err := p.Store.PlanMark(ctx, ws)
	if err != nil {
		return 0, fmt.Errorf("read mark of plan: %w", err)
	}
	edition, at, _ := strings.Cut(mark, " ")
	if mark == "" {
		planned, err := p.Store.PlannedActions(ctx, ws)
		if err != nil {
			return 0, fmt.Errorf("count actions: %w", err)
		}
		if planned == 0 { // there was no plan yet: all that there is came since the first event
			edition, at = p.Edition, "0"
		}
	}
	from, err := strconv.ParseInt(at, 10, 64)
	return p.plan(ctx, ws, from, err != nil || edition != p.Edition)
}

// PlanAll plans everything anew.
func (p *Plan) PlanAll(ctx context.Context, ws gyre.ID) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.plan(ctx, ws, 0, true)
}

func (p *Plan) plan(ctx context.Context, ws gyre.ID, from int64, everything bool) (int, error) {
	// The number is read first: what changes meanwhile is planned next time.
	to, err := p.Store.Seq(ctx, ws)
	if err != nil {
		return 0, fmt.Errorf("newest event: %w", err)
	}
	r := &replan{
		Plan: p, ws: ws, mark: p.Edition + " " + strconv.FormatInt(to, 10), groups: map[string][]gyre.ID{}, touched: map[gyre.ID]bool{}, keys: map[gyre.ID]string{},
		assets: map[gyre.ID]*gyre.Asset{}, weaknesses: map[gyre.ID]*gyre.Weakness{},
	}
	if r.actions, err = p.Store.ActionKeys(ctx, ws); err != nil {
		return 0, fmt.Errorf("read actions: %w", err)
	}
	// Risks are found while what is to be planned is, and read.
	var scoring sync.WaitGroup
	defer scoring.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	scored := make(chan struct{})
	var risk func(gyre.ID) float64
	var riskErr error
	scoring.Go(func() {
		defer close(scored)
		riskErr = gyre.Caught(func() (err error) {
			risk, err = p.Risks(ctx, ws)
			return err
		})
	})
	r.risk = func() (func(gyre.ID) float64, error) {
		<-scored
		return risk, riskErr
	}
	if !everything {
		everything, err = r.changes(ctx, from, to)
	}
	if err == nil && everything {
		err = r.everything(ctx)
	}
	if err != nil {
		return 0, fmt.Errorf("find what to plan: %w", err)
	}
	if err := r.save(ctx); err != nil {
		return 0, err
	}
	return p.Store.PlannedActions(ctx, ws)
}
