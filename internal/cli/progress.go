// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/gyre-ctem/gyre"
)

const pollEvery = 250 * time.Millisecond

// follow shows a running cycle until it ends: one bar a stage on a terminal,
// one line a stage elsewhere. get fetches the cycle as it stands.
func follow(ctx context.Context, w io.Writer, terminal bool, c gyre.Cycle, get func(context.Context) (gyre.Cycle, error)) (gyre.Cycle, error) {
	var view cycleView = &lineView{w: w}
	if terminal {
		view = newBarView(w)
	}
	view.show(c)
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for c.State == gyre.CycleRunning {
		select {
		case <-ctx.Done():
			view.end(c)
			return c, ctx.Err()
		case <-tick.C:
		}
		next, err := get(ctx)
		if err != nil {
			view.end(c)
			return c, err
		}
		c = next
		view.show(c)
	}
	view.end(c)
	return c, nil
}

type cycleView interface {
	show(c gyre.Cycle)
	end(c gyre.Cycle)
}

// lineView prints a line when a stage starts and when it ends.
type lineView struct {
	w    io.Writer
	said map[gyre.Stage]string
}

func (v *lineView) show(c gyre.Cycle) {
	if v.said == nil {
		v.said = map[gyre.Stage]string{}
	}
	for _, s := range c.Stages {
		if v.said[s.Stage] == s.State || s.State == "waiting" {
			continue
		}
		v.said[s.Stage] = s.State
		line := fmt.Sprintf("cycle %d: %s %s", c.Number, s.Stage, s.State)
		if s.State != "running" {
			line += fmt.Sprintf(" in %s", s.Ended.Sub(s.Started).Round(10*time.Millisecond))
			if s.Note != "" {
				line += " (" + printable(s.Note) + ")"
			}
		}
		_, _ = fmt.Fprintln(v.w, line)
	}
}

func (v *lineView) end(gyre.Cycle) {}

// barView keeps one bar for each stage.
type barView struct {
	p     *mpb.Progress
	bars  map[gyre.Stage]*mpb.Bar
	notes map[gyre.Stage]*atomic.Value // read by the drawing goroutine
}

func newBarView(w io.Writer) *barView {
	return &barView{
		p:     mpb.New(mpb.WithOutput(w), mpb.WithWidth(24), mpb.WithRefreshRate(120*time.Millisecond), mpb.WithAutoRefresh()),
		bars:  map[gyre.Stage]*mpb.Bar{},
		notes: map[gyre.Stage]*atomic.Value{},
	}
}

func (v *barView) show(c gyre.Cycle) {
	for i, s := range c.Stages {
		bar := v.bars[s.Stage]
		if bar == nil {
			if s.State == "waiting" {
				continue
			}
			bar = v.add(i, s)
		}
		total, done := int64(max(s.Total, 1)), int64(s.Done)
		if s.State != "running" {
			done = total
		}
		v.notes[s.Stage].Store(s.Note)
		bar.SetTotal(total, false)
		bar.SetCurrent(min(done, total))
		if s.State == "done" {
			bar.SetTotal(total, true)
		} else if s.State != "running" {
			bar.Abort(false)
		}
	}
}

// add makes a bar without a total, because only such a one can be given a new total later.
func (v *barView) add(i int, s gyre.CycleStage) *mpb.Bar {
	note := &atomic.Value{}
	note.Store("")
	v.notes[s.Stage] = note
	bar := v.p.New(0, mpb.BarStyle().Lbound("").Rbound("").Filler("━").Tip("━").Padding("─"),
		mpb.BarPriority(i),
		mpb.PrependDecorators(decor.Name(string(s.Stage), decor.WCSyncSpaceR)),
		mpb.AppendDecorators(
			decor.Elapsed(decor.ET_STYLE_GO, decor.WCSyncSpace),
			decor.Any(func(decor.Statistics) string {
				text, _ := note.Load().(string)
				return " " + short(printable(text), 60)
			}),
		))
	v.bars[s.Stage] = bar
	return bar
}

func (v *barView) end(c gyre.Cycle) {
	for _, s := range c.Stages {
		if bar := v.bars[s.Stage]; bar != nil && !bar.Completed() {
			bar.Abort(false)
		}
	}
	v.p.Wait()
}
