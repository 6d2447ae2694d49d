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

// expire removes the facts and components that the run would have seen again
// if they were still there.
func (w *write) expire(ctx context.Context) error {
	var facts []gyre.Fact
	err := w.tx.EachUnseenFact(ctx, w.run, func(f gyre.Fact, c gyre.Coverage) error {
		if covered(c, f.Locus) && (len(facts) == 0 || !sameFact(facts[len(facts)-1], f)) {
			f.Data = nil
			facts = append(facts, f)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("find expired facts: %w", err)
	}
	if err := w.tx.DeleteFacts(ctx, w.run.Source, facts); err != nil {
		return err
	}
	var components []gyre.ID
	err = w.tx.EachUnseenComponent(ctx, w.run, func(cp gyre.Component, c gyre.Coverage) error {
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

// close moves to fixed what the run covered and did not see.
//
// Candidates share asset, aspect and credentials with a judged coverage and were
// last seen before the run started. Of those it closes the ones whose locus and
// weakness are covered, if the run's source has observed the exposure before or
// the coverage lists the weakness: a tool that never saw it, and does not say that it
// looks for it, knows nothing of it.
func (w *write) close(ctx context.Context) error {
	var all []unseen
	err := w.tx.EachUnseenExposure(ctx, w.run, func(e gyre.Exposure, c gyre.Coverage, known bool) error {
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
		evidence := w.absence(u.e, u.by[i].Coverage)
		text, err := json.Marshal(evidence)
		if err != nil {
			return fmt.Errorf("encode evidence: %w", err)
		}
		gone, details = append(gone, u.e), append(details, string(text))
		observations = append(observations, gyre.Observation{
			ID: gyre.NewID(), Exposure: u.e.ID, Run: w.run.ID, Source: w.run.Observer(), Seen: false, At: w.at, Evidence: evidence,
		})
	}
	w.counts.Closed += len(gone)
	if err := w.tx.SaveObservations(ctx, observations); err != nil {
		return err
	}
	return w.tx.CloseExposures(ctx, gone, details, gyre.Event{
		Actor: actor(w.run), Run: w.run.ID, Reason: "not seen by a run that covered its place",
	}, w.at)
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
func (w *write) absence(e gyre.Exposure, c gyre.Coverage) gyre.Evidence {
	data := map[string]any{
		"run": w.run.ID.String(), "source": w.run.Observer(), "started": stamp(w.run.Started), "aspect": string(c.Aspect), "locus": e.Locus,
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
	return gyre.Evidence{Summary: fmt.Sprintf("%s looked at %s and did not see it", w.run.Observer(), place), Data: data}
}

func head(list []string) []string {
	const most = 20
	if len(list) > most {
		return append(slices.Clone(list[:most]), fmt.Sprintf("and %d more", len(list)-most))
	}
	return list
}
