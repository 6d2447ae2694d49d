// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/store"
	"github.com/gyre-ctem/gyre/lab/gen"
	"github.com/gyre-ctem/gyre/plugin"
)

// Size says how large an estate Fill makes. The zero value of a field but
// Exposures is what gen makes of it.
type Size struct {
	Exposures int
	PerAsset  int // exposures of the smaller assets; the mean is about twice that
	Packages  int // each has about six weaknesses
	Seed      uint64
}

// Million is a million exposures on about 100 thousand assets with about 50
// thousand weaknesses.
var Million = Size{Exposures: 1_000_000, PerAsset: 5, Packages: 8500, Seed: 1}

// Filled is what Fill made.
type Filled struct{ Assets, Weaknesses, Exposures, Observations int }

const fillRows = 5000 // exposures in one transaction

// Fill writes a made-up estate straight into the tables, past ingest, so that
// benchmarks of what reads have something to read in seconds and not minutes: assets in
// four zones with owners and tags, skewed as lab/gen says, exposures in every state, seen by
// one tool or two, an EPSS score for each CVE and one CVE in 150 in the KEV catalogue. Events
// are those of the assets and weaknesses, and one for each transaction's exposures; histories
// of single exposures begin later.
func Fill(t testing.TB, db *store.DB, ws gyre.ID, size Size) Filled {
	t.Helper()
	f := &filling{db: db, ws: ws, size: size, weaknesses: map[*gen.Weakness]gyre.ID{}, now: time.Now().UTC().Truncate(time.Second)}
	f.run = gyre.Run{ID: gyre.NewID(), Workspace: ws, Source: "nessus", Target: "made up", Status: gyre.RunSucceeded, Started: f.now.Add(-time.Hour), Ended: f.now}
	err := gen.Each(gen.Options{Findings: gen.MaxFindings, Seed: size.Seed, PerHost: size.PerAsset, Packages: f.packages()}, func(h gen.Host) error {
		return f.host(t.Context(), h)
	})
	if err == nil || errors.Is(err, errFull) {
		err = f.flush(t.Context())
	}
	if err == nil {
		err = f.intel(t.Context())
	}
	if err == nil {
		err = db.Optimize(t.Context())
	}
	if err != nil {
		t.Fatalf("fill: %v", err)
	}
	return f.Filled
}

var errFull = errors.New("full")

type filling struct {
	Filled
	db   *store.DB
	ws   gyre.ID
	size Size
	run  gyre.Run
	now  time.Time

	weaknesses map[*gen.Weakness]gyre.ID
	part       struct {
		assets       []gyre.Asset
		identifiers  []gyre.Identifier
		owners       []gyre.ID
		weaknesses   []gyre.Weakness
		exposures    []gyre.Exposure
		observations []gyre.Observation
	}
}

func (f *filling) packages() int {
	if f.size.Packages > 0 {
		return f.size.Packages
	}
	return min(5000, 300+f.size.Exposures/500)
}

func (f *filling) host(ctx context.Context, h gen.Host) error {
	a := f.asset(h)
	p := &f.part
	p.assets = append(p.assets, a)
	for _, i := range []gyre.Identifier{{Type: gyre.IDMachine, Value: h.Machine}, {Type: gyre.IDFQDN, Value: h.Name}, {Type: gyre.IDIP, Value: h.Address, Zone: a.Zone}} {
		p.identifiers, p.owners = append(p.identifiers, i), append(p.owners, a.ID)
	}
	for _, s := range h.Sights {
		if f.Exposures == f.size.Exposures {
			break
		}
		f.expose(a, s)
	}
	switch {
	case f.Exposures == f.size.Exposures:
		return errFull
	case len(p.exposures) >= fillRows:
		return f.flush(ctx)
	}
	return nil
}

var (
	zones      = []gyre.Zone{gyre.ZoneInternet, gyre.ZoneDMZ, gyre.ZoneDMZ, gyre.ZoneManagement}
	fillStates = []gyre.State{gyre.StateTriaged, gyre.StateInRemediation, gyre.StateFixClaimed, gyre.StateAccepted, gyre.StateFalsePositive}
	places     = []string{"prod", "test", "office", "plant"}
)

func (f *filling) asset(h gen.Host) gyre.Asset {
	n := f.Assets
	f.Assets++
	zone := gyre.ZoneInternal
	if n%20 < len(zones) {
		zone = zones[n%20]
	}
	return gyre.Asset{
		ID: gyre.NewID(), Workspace: f.ws, Kind: gyre.Host, Name: h.Name, Zone: zone, Criticality: gyre.Criticality(n % 5),
		Owner: "team-" + strconv.Itoa(n%40), Tags: []string{places[n%len(places)]},
		Attributes: map[string]string{"os": "Example Linux", "os_version": strconv.Itoa(9 + n%4)}, FirstSeen: f.seen(n), LastSeen: f.now,
	}
}

// seen spreads first sightings over a year.
func (f *filling) seen(n int) time.Time { return f.now.Add(-time.Duration(n%365) * 24 * time.Hour) }

func (f *filling) expose(a gyre.Asset, s gen.Sight) {
	p := &f.part
	id, known := f.weaknesses[s.Weakness]
	if !known {
		id = gyre.NewID()
		f.weaknesses[s.Weakness] = id
		f.Weaknesses++
		w := s.Weakness
		class := gyre.Vulnerability
		if w.Fixed == "" {
			class = gyre.Misconfiguration
		}
		p.weaknesses = append(p.weaknesses, gyre.Weakness{
			ID: id, Key: w.Key, Class: class, Title: w.Title, Description: w.Description, Severity: w.Severity, CVSSScore: w.Score,
			CWEs: []string{"CWE-" + strconv.Itoa(20+w.Number%700)},
		})
	}
	n := f.Exposures
	f.Exposures++
	e := gyre.Exposure{
		ID: gyre.NewID(), Workspace: f.ws, Asset: a.ID, Weakness: id, Locus: s.Locus, Aspect: gyre.AspectService, Class: gyre.Vulnerability,
		Severity: s.Weakness.Severity, State: gyre.StateOpen, FirstSeen: f.seen(n), LastSeen: f.now, StateSince: f.seen(n),
		Remedy: gyre.Remedy{Kind: gyre.RemedyText, Text: "Change the setting."},
	}
	if s.Weakness.Fixed != "" {
		e.Remedy = gyre.Remedy{Kind: gyre.RemedyUpgrade, Ecosystem: "Debian:12", Package: s.Weakness.Package, Current: "1.0.0", Fixed: s.Weakness.Fixed}
	} else {
		e.Class = gyre.Misconfiguration
	}
	switch {
	case n%10 == 9:
		e.State, e.FixedAt, e.LastSeen = gyre.StateFixed, f.seen(n/2), f.seen(n)
	case n%50 < len(fillStates):
		e.State = fillStates[n%50]
	}
	p.exposures = append(p.exposures, e)
	tools := []string{"nessus"}
	if s.Twice {
		tools = append(tools, "trivy")
	}
	for _, tool := range tools {
		p.observations = append(p.observations, gyre.Observation{
			ID: gyre.NewID(), Exposure: e.ID, Run: f.run.ID, Source: tool, Seen: e.State != gyre.StateFixed, At: e.LastSeen,
			Evidence: gyre.Evidence{Summary: s.Weakness.Title},
		})
		f.Observations++
	}
}

func (f *filling) flush(ctx context.Context) error {
	p := &f.part
	err := f.db.Write(ctx, f.ws, func(tx *store.Tx) error {
		if err := tx.SaveRun(ctx, f.run); err != nil {
			return err
		}
		for _, a := range p.assets {
			tx.Append(gyre.Event{Object: "asset", ID: a.ID, Kind: "created", To: a.Name, Actor: "fill", Run: f.run.ID})
		}
		for _, w := range p.weaknesses {
			tx.Append(gyre.Event{Object: "weakness", ID: w.ID, Kind: "created", To: w.Key, Actor: "fill", Run: f.run.ID})
		}
		// Whoever follows the events sees that there is more than these tell of.
		tx.Append(gyre.Event{Object: "intel", Kind: "filled", To: fmt.Sprint(len(p.exposures)), Actor: "fill", Run: f.run.ID})
		if err := tx.SaveAssets(ctx, p.assets); err != nil {
			return err
		}
		if err := tx.SaveIdentifiers(ctx, store.Family(gyre.Host), p.identifiers, p.owners, f.now); err != nil {
			return err
		}
		if err := tx.SaveWeaknesses(ctx, p.weaknesses); err != nil {
			return err
		}
		if err := tx.AddExposures(ctx, p.exposures, nil); err != nil {
			return err
		}
		return tx.AddObservations(ctx, p.observations, nil)
	})
	p.assets, p.identifiers, p.owners, p.weaknesses = p.assets[:0], p.identifiers[:0], p.owners[:0], p.weaknesses[:0]
	p.exposures, p.observations = p.exposures[:0], p.observations[:0]
	return err
}

// intel makes up what the world knows of the CVEs: little of most.
func (f *filling) intel(ctx context.Context) error {
	var epss []plugin.EPSS
	var kev []plugin.KEV
	for w := range f.weaknesses {
		if w.Fixed == "" {
			continue
		}
		odd := uint32(w.Number)*2654435761>>8&0xffff + 1 // #nosec -- an index
		score := 1 / (1 + float64(odd)/8)
		epss = append(epss, plugin.EPSS{CVE: w.Key, Score: score, Percentile: 1 - float64(odd)/(1<<16+1), Date: f.now})
		if w.Number%150 == 0 {
			kev = append(kev, plugin.KEV{CVE: w.Key, Name: w.Title, Added: f.seen(w.Number), Due: f.now, Ransomware: w.Number%600 == 0})
		}
	}
	if err := f.db.UpsertEPSS(ctx, epss); err != nil {
		return err
	}
	return f.db.ReplaceKEV(ctx, kev)
}
