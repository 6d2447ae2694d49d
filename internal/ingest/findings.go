// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"cmp"
	"context"
	"encoding/json"
	"strings"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/locus"
)

// place is what makes an exposure one.
type place struct {
	asset, weakness gyre.ID
	key             string
}

// finding is a finding in normal form, at its place.
type finding struct {
	gyre.Finding
	place
	prepared
	name string // what the source calls the weakness
	is   string // the key of the weakness as it is stored
}

// prepared is what can be said of a finding without the store.
type prepared struct {
	lies     locus.Place
	said     said
	evidence string // as JSON
}

// prepare brings a finding into normal form.
func prepare(f *gyre.Finding) (prepared, error) {
	if err := normaliseFinding(f); err != nil {
		return prepared{}, err
	}
	evidence, err := json.Marshal(f.Evidence)
	if err != nil {
		return prepared{}, gyre.FieldErrorf(gyre.Invalid, "evidence", "not JSON: %v", err)
	}
	return prepared{
		lies:     locus.Of(f.Aspect, f.Locus, locus.Hint{Ecosystem: f.Remedy.Ecosystem, Fingerprint: f.Fingerprint}),
		said:     saidOf(&f.Weakness),
		evidence: string(evidence),
	}, nil
}

func (w *write) findings(ctx context.Context, b *gyre.Batch) error {
	if len(b.Findings) == 0 {
		return nil
	}
	all := make([]finding, 0, len(b.Findings))
	for i := range b.Findings {
		f, ok, err := w.findingOf(b, i)
		if err != nil {
			return at("findings", i, err)
		}
		if ok {
			w.touched[f.asset] = true
			all = append(all, f)
		}
	}
	w.counts.Findings += len(all)
	stored, err := w.weaknesses(ctx, all)
	if err != nil {
		return err
	}
	// The same place twice in one batch is one sighting: the first keeps its
	// evidence, the worse severity counts.
	where := make(map[place]int, len(all))
	once := all[:0]
	for i := range all {
		all[i].weakness, all[i].is = stored[i].id, stored[i].key
		if j, twice := where[all[i].place]; twice {
			once[j].Severity = max(once[j].Severity, all[i].Severity)
			once[j].Credentialed = once[j].Credentialed && all[i].Credentialed
			continue
		}
		where[all[i].place] = len(once)
		once = append(once, all[i])
	}
	return w.expose(ctx, once)
}

func (w *write) findingOf(b *gyre.Batch, i int) (f finding, ok bool, err error) {
	f.Finding = b.Findings[i]
	if f.asset, ok, err = w.asset("asset", f.Asset); err != nil {
		return f, false, err
	}
	if w.prepared != nil {
		f.prepared = w.prepared[i]
	} else if f.prepared, err = prepare(&f.Finding); err != nil {
		return f, false, err
	}
	f.key, f.name = f.lies.Key, f.Weakness.Key
	return f, ok, nil
}

// normaliseFinding brings a finding into normal form.
func normaliseFinding(f *gyre.Finding) (err error) {
	if f.Aspect, err = aspectOf(f.Aspect); err != nil {
		return err
	}
	if f.Locus, err = locusOf(f.Aspect, f.Locus, locus.Normal); err != nil {
		return err
	}
	if f.Fingerprint, err = short("fingerprint", f.Fingerprint, maxName); err != nil {
		return err
	}
	if f.Severity < gyre.SeverityInfo || f.Severity > gyre.SeverityCritical {
		return gyre.FieldErrorf(gyre.Invalid, "severity", "%d is not a severity", f.Severity)
	}
	if f.Weakness, err = weaknessOf(f.Weakness); err != nil {
		return err
	}
	if f.Evidence, err = evidenceOf(f.Evidence); err != nil {
		return err
	}
	r := &f.Remedy
	switch r.Kind {
	case "", gyre.RemedyUpgrade, gyre.RemedyChange, gyre.RemedyText:
	default:
		return gyre.FieldErrorf(gyre.Invalid, "remedy.kind", "%q is not a remedy kind", prose(string(r.Kind), 60))
	}
	for _, s := range []*string{&r.Ecosystem, &r.Package, &r.Current, &r.Fixed, &r.Location, &r.Check} {
		*s = prose(strings.TrimSpace(*s), maxLocus)
	}
	r.Text = prose(strings.TrimSpace(r.Text), maxProse)
	return nil
}

// expose turns findings into exposures and observations.
func (w *write) expose(ctx context.Context, all []finding) error {
	all, have, err := w.locate(ctx, all)
	if err != nil {
		return err
	}
	ids := make([]gyre.ID, 0, len(have))
	for _, e := range have {
		ids = append(ids, e.ID)
	}
	sources, err := w.tx.SourcesOf(ctx, ids)
	if err != nil {
		return err
	}
	news := max(0, len(all)-len(have))                                   // about so many
	fresh, of := make([]gyre.Exposure, 0, news), make([]string, 0, news) // and the keys of their weaknesses
	var save []gyre.Exposure
	var touch []gyre.ID
	moved, err := w.moved(ctx, all, have)
	if err != nil {
		return err
	}
	first, later := newObserved(news), newObserved(len(all)-news)
	for i := range all {
		f := &all[i]
		e, observations := have[f.place], &later
		switch {
		case e == nil:
			e, observations = w.newExposure(f), &first
			fresh, of = append(fresh, *e), append(of, f.is)
		case w.seeAgain(e, f, sources[e.ID], moved[e.ID]):
			save = append(save, *e)
		default:
			touch = append(touch, e.ID)
		}
		observations.add(gyre.Observation{
			ID: gyre.NewID(), Exposure: e.ID, Run: w.run.ID, Source: w.run.Observer(), Seen: true, At: w.at, Evidence: f.Evidence,
			Weakness: f.name, Locus: f.Locus, Severity: f.Severity,
		}, f.evidence)
	}
	actions, err := w.actionsOf(ctx, fresh, of)
	if err != nil {
		return err
	}
	if err := w.tx.AddExposures(ctx, fresh, actions); err != nil {
		return err
	}
	if err := w.tx.SaveExposures(ctx, save); err != nil {
		return err
	}
	if err := w.tx.TouchExposures(ctx, touch, w.at); err != nil {
		return err
	}
	if err := w.tx.AddObservations(ctx, first.all, first.evidence); err != nil {
		return err
	}
	return w.tx.SaveObservations(ctx, later.all, later.evidence)
}

// observed are observations with their evidence as JSON.
type observed struct {
	all      []gyre.Observation
	evidence []string
}

func newObserved(n int) observed {
	return observed{make([]gyre.Observation, 0, n), make([]string, 0, n)}
}

func (o *observed) add(one gyre.Observation, evidence string) {
	o.all, o.evidence = append(o.all, one), append(o.evidence, evidence)
}

// actionsOf are the actions that remove new exposures of weaknesses with the keys.
func (w *write) actionsOf(ctx context.Context, fresh []gyre.Exposure, weaknesses []string) ([]gyre.ID, error) {
	if w.actionKey == nil || len(fresh) == 0 {
		return nil, nil
	}
	keys := make([]string, len(fresh))
	asked := map[string]bool{}
	for i := range fresh {
		keys[i] = w.actionKey(&fresh[i], weaknesses[i])
		if w.actions[keys[i]] == 0 {
			asked[keys[i]] = true
		}
	}
	var err error
	if w.acted, err = w.tx.ActionsOfKeys(ctx, sortedKeys(asked)); err != nil {
		return nil, err
	}
	out := make([]gyre.ID, len(keys))
	for i, k := range keys {
		out[i] = cmp.Or(w.actions[k], w.acted[k])
	}
	return out, nil
}

func (w *write) newExposure(f *finding) *gyre.Exposure {
	e := &gyre.Exposure{
		ID: gyre.NewID(), Workspace: w.run.Workspace, Asset: f.asset, Weakness: f.weakness, Place: f.key, Locus: f.Locus, Aspect: f.Aspect,
		Class: f.Weakness.Class, Severity: f.Severity, State: gyre.StateOpen, StateSince: w.at, Credentialed: f.Credentialed,
		Remedy: f.Remedy, FirstSeen: w.at, LastSeen: w.at,
	}
	w.counts.Created++
	w.event(gyre.Event{Object: "exposure", ID: e.ID, Kind: "created", To: string(e.State), Reason: f.Evidence.Summary})
	return e
}

// seeAgain brings an exposure up to date with a new sighting of it, and says
// whether anything changed but that it was seen. moved: the source itself says
// another locus than it did before.
func (w *write) seeAgain(e *gyre.Exposure, f *finding, sources map[string]gyre.Word, moved bool) bool {
	changed := false
	change := func(kind, from, to, why string) {
		w.event(gyre.Event{Object: "exposure", ID: e.ID, Kind: kind, From: from, To: to, Reason: why})
		changed = true
	}
	if word, known := sources[w.run.Observer()]; !known || !word.Seen && !w.at.Before(word.At) {
		change("source", "", w.run.Observer(), f.Evidence.Summary)
	}
	// An old report does not bring back what was fixed after it: FixedAt is when
	// the run began that found it gone.
	if e.State == gyre.StateFixed && !w.at.Before(e.FixedAt) {
		change("state", string(e.State), string(gyre.StateOpen), "seen again: "+f.Evidence.Summary)
		e.State, e.StateSince, e.FixedAt = gyre.StateOpen, w.at, zero
		w.counts.Reopened++
	}
	// A source that is alone with an exposure rates it; where several see it,
	// the worse rating stays, so that they do not take turns.
	alone := true
	for s, word := range sources {
		if s != w.run.Observer() && word.Seen {
			alone = false
		}
	}
	newest := !w.at.Before(e.LastSeen)
	// Found by less than is known of it now. A place that another source knows by its
	// line stays that, or that source would not find it again.
	if e.Place != f.key && (alone || f.Fingerprint == "") {
		change("place", e.Place, f.key, w.run.Observer()+" tells more exactly where it lies")
		e.Place = f.key
	}
	// Where several see it, the one who says most exactly where it lies is
	// believed, else whoever was first; each when its own word changes.
	if f.Locus != e.Locus && newest && (alone || moved || locus.Tells(f.Aspect, f.Locus) > locus.Tells(e.Aspect, e.Locus)) &&
		locus.Tells(f.Aspect, f.Locus) >= locus.Tells(e.Aspect, e.Locus) {
		change("locus", e.Locus, f.Locus, w.run.Observer())
		e.Locus = f.Locus
	}
	if f.Severity != e.Severity && (f.Severity > e.Severity || alone) && newest {
		change("severity", e.Severity.String(), f.Severity.String(), w.run.Observer())
		e.Severity = f.Severity
	}
	if f.Remedy != e.Remedy && newest && f.Remedy.Kind != "" && (alone || remedyRank(f.Remedy) > remedyRank(e.Remedy)) {
		change("remedy", e.Remedy.Fixed, f.Remedy.Fixed, w.run.Observer())
		e.Remedy = f.Remedy
	}
	// Seen without credentials by anyone: then that is how it can be seen gone.
	if e.Credentialed && !f.Credentialed {
		change("credentialed", "true", "false", w.run.Observer())
		e.Credentialed = false
	}
	if w.at.Before(e.FirstSeen) {
		change("first_seen", stamp(e.FirstSeen), stamp(w.at), "an older report")
		e.FirstSeen = w.at
	}
	if e.LastSeen.Before(w.at) {
		e.LastSeen = w.at
	}
	return changed
}

// remedyRank orders remedies by how exactly they say what to do.
func remedyRank(r gyre.Remedy) int {
	switch {
	case r.Kind == gyre.RemedyUpgrade && r.Fixed != "":
		return 4
	case r.Kind == gyre.RemedyChange:
		return 3
	case r.Kind == gyre.RemedyUpgrade:
		return 2
	case r.Kind == gyre.RemedyText:
		return 1
	}
	return 0
}
