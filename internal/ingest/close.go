// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gyre-ctem/gyre"
)

var zero time.Time

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// covers says whether a list of exact values, and prefixes that end in "*",
// holds a value; nil is everything.
func covers(list []string, value string) bool {
	if list == nil {
		return true
	}
	return slices.ContainsFunc(list, func(p string) bool {
		if prefix, ok := strings.CutSuffix(p, "*"); ok {
			return strings.HasPrefix(value, prefix)
		}
		return p == value
	})
}

// covered says whether a coverage speaks for a locus.
func covered(c gyre.Coverage, locus string) bool {
	return covers(c.Loci, locus) && !slices.Contains(c.Except, locus)
}

// end does what a run's end calls for: one that succeeded ends what it covered
// and did not see; and what it saw itself is ended by those that looked later.
func (w *write) end(ctx context.Context, status gyre.RunStatus) error {
	if status == gyre.RunSucceeded {
		if err := w.expire(ctx, w.run, 0); err != nil {
			return err
		}
		if err := w.close(ctx, w.run, 0); err != nil {
			return err
		}
	}
	// A run that comes late has seen what later runs, which are in already, may
	// have found gone. They could not say so then, for nobody had seen it.
	later, err := w.tx.LaterRuns(ctx, w.run)
	if err != nil {
		return fmt.Errorf("find later runs: %w", err)
	}
	for _, l := range later {
		if err := w.expire(ctx, l, w.run.ID); err != nil {
			return err
		}
		if err := w.close(ctx, l, w.run.ID); err != nil {
			return err
		}
	}
	return nil
}

// expire removes the facts and components that a run would have seen again if
// they were still there; with another run, only on the assets that this one touched.
func (w *write) expire(ctx context.Context, by gyre.Run, of gyre.ID) error {
	var facts []gyre.Fact
	err := w.tx.EachUnseenFact(ctx, by, of, func(f gyre.Fact, c gyre.Coverage) error {
		if covered(c, f.Locus) && (len(facts) == 0 || !sameFact(facts[len(facts)-1], f)) {
			f.Data = nil
			facts = append(facts, f)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("find expired facts: %w", err)
	}
	if err := w.tx.DeleteFacts(ctx, by.Source, facts); err != nil {
		return err
	}
	var components []gyre.ID
	err = w.tx.EachUnseenComponent(ctx, by, of, func(cp gyre.Component, c gyre.Coverage) error {
		if covered(c, cp.Location+"#"+cp.Name) && (len(components) == 0 || components[len(components)-1] != cp.ID) {
			components = append(components, cp.ID)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("find expired components: %w", err)
	}
	return w.tx.DeleteComponents(ctx, components)
}

func sameFact(a, b gyre.Fact) bool {
	return a.Asset == b.Asset && a.Aspect == b.Aspect && a.Locus == b.Locus
}

// unseen is an exposure on covered ground that the run did not see, with the
// coverage that says so.
type unseen struct {
	e gyre.Exposure
	// by are the coverages that apply but for the weakness.
	by []judged
}

type judged struct {
	gyre.Coverage
	known bool
}

// close moves to fixed what a run covered and did not see; with another run, only
// on the assets that this one touched. docs/closing.md says the rule in full.
//
// Candidates share asset, aspect and credentials with a judged coverage and were
// last seen before the run started. Of those it closes the ones whose locus and
// weakness are covered, if the run's source has once seen the exposure or
// the coverage lists the weakness: a tool that never saw it, and does not say that it
// looks for it, knows nothing of it.
//
// They are fixed as of the run's start: what somebody saw after that is newer.
func (w *write) close(ctx context.Context, by gyre.Run, of gyre.ID) error {
	var all []unseen
	err := w.tx.EachUnseenExposure(ctx, by, of, func(e gyre.Exposure, c gyre.Coverage, known bool) error {
		if !covered(c, e.Locus) || (!known && c.Weaknesses == nil) {
			return nil
		}
		if len(all) == 0 || all[len(all)-1].e.ID != e.ID {
			all = append(all, unseen{e: e})
		}
		last := &all[len(all)-1]
		last.by = append(last.by, judged{c, known})
		return nil
	})
	if err != nil {
		return fmt.Errorf("find exposures to close: %w", err)
	}
	if len(all) == 0 {
		return nil
	}
	keys, err := w.keys(ctx, all)
	if err != nil {
		return err
	}
	var gone []gyre.Exposure
	var details []string
	var observations []gyre.Observation
	for _, u := range all {
		i := slices.IndexFunc(u.by, func(c judged) bool {
			return slices.ContainsFunc(keys[u.e.Weakness], func(k string) bool { return covers(c.Weaknesses, k) })
		})
		if i < 0 {
			continue
		}
		evidence := absence(by, u.e, u.by[i].Coverage)
		text, err := json.Marshal(evidence)
		if err != nil {
			return fmt.Errorf("encode evidence: %w", err)
		}
		gone, details = append(gone, u.e), append(details, string(text))
		if !u.by[i].known {
			continue // an observation says that its source has seen it once
		}
		observations = append(observations, gyre.Observation{
			ID: gyre.NewID(), Exposure: u.e.ID, Run: by.ID, Source: by.Observer(), Seen: false, At: by.Started, Evidence: evidence,
		})
	}
	w.counts.Closed += len(gone)
	if err := w.tx.SaveObservations(ctx, observations, nil); err != nil {
		return err
	}
	reason := "not seen by a run that covered its place"
	if of != 0 {
		reason = "not seen by a later run that covered its place"
	}
	return w.tx.CloseExposures(ctx, gone, details, gyre.Event{Actor: actor(w.run), Run: w.run.ID, Reason: reason}, by.Started)
}

// keys are the names of the weaknesses of exposures.
func (w *write) keys(ctx context.Context, all []unseen) (map[gyre.ID][]string, error) {
	ids := map[gyre.ID]bool{}
	for _, u := range all {
		ids[u.e.Weakness] = true
	}
	weaknesses, err := w.tx.Weaknesses(ctx, sortedKeys(ids))
	if err != nil {
		return nil, err
	}
	out := make(map[gyre.ID][]string, len(weaknesses))
	for _, x := range weaknesses {
		out[x.ID] = append([]string{x.Key}, x.Aliases...)
	}
	return out, nil
}

// absence is the evidence that something is gone: which run looked, and what
// it covered.
func absence(by gyre.Run, e gyre.Exposure, c gyre.Coverage) gyre.Evidence {
	data := map[string]any{
		"run": by.ID.String(), "source": by.Observer(), "started": stamp(by.Started), "aspect": string(c.Aspect), "locus": e.Locus,
		"credentialed": c.Credentialed,
	}
	if c.Loci != nil {
		data["loci"] = head(c.Loci)
	}
	if c.Weaknesses != nil {
		data["weaknesses"] = len(c.Weaknesses)
	}
	place := e.Locus
	if place == "" {
		place = "the asset"
	}
	return gyre.Evidence{Summary: fmt.Sprintf("%s looked at %s and did not see it", by.Observer(), place), Data: data}
}

func head(list []string) []string {
	const most = 20
	if len(list) > most {
		return append(slices.Clone(list[:most]), fmt.Sprintf("and %d more", len(list)-most))
	}
	return list
}
