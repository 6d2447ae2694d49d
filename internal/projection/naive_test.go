// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package projection_test

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/expr"
	"github.com/gyre-ctem/gyre/internal/prioritize"
	"github.com/gyre-ctem/gyre/internal/projection"
)

// made is a made-up estate in memory, rows by ID. It is a projection.Store that
// does not change.
type made struct {
	assets     []projection.Asset
	weaknesses []projection.Weakness
	exposures  []projection.Exposure
	scopes     []gyre.Scope
}

// makeEstate makes n exposures on n/10 assets of n/20 weaknesses, a few of them on most assets.
func makeEstate(n int) *made {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	day := func(n int) time.Time { return now.Add(-time.Duration(n) * 24 * time.Hour) }
	m := &made{scopes: []gyre.Scope{
		{ID: 1, Name: "shop", Criticality: gyre.CriticalityHigh, RiskAppetite: 40}, {ID: 2, Name: "office"}, {ID: 3, Name: "plant", RiskAppetite: 70},
	}}
	zones := []gyre.Zone{gyre.ZoneInternet, gyre.ZoneDMZ, gyre.ZoneInternal, gyre.ZoneInternal, gyre.ZoneManagement, ""}
	for i := range max(n/10, 3) {
		a := gyre.Asset{
			ID: gyre.ID(1_000_000 + i*3), Kind: []gyre.AssetKind{gyre.Host, gyre.Host, gyre.WebApp, gyre.Repository}[r.IntN(4)],
			Name: fmt.Sprintf("%s-%05d.%s.example.com", []string{"web", "db", "app", "mail"}[r.IntN(4)], i, []string{"eu", "us", "ap"}[r.IntN(3)]),
			Zone: zones[r.IntN(len(zones))], Criticality: gyre.Criticality(r.IntN(5)), Owner: fmt.Sprintf("team-%d", r.IntN(40)),
			Tags: [][]string{nil, {"prod"}, {"prod", "pci"}, {"test"}}[r.IntN(4)], FirstSeen: day(r.IntN(365)), LastSeen: now,
			Attributes: map[string]string{"os": fmt.Sprintf("Linux %d", r.IntN(5))},
		}
		m.assets = append(m.assets, projection.Asset{Asset: a, Scopes: [][]gyre.ID{nil, {1}, {2}, {1, 3}}[r.IntN(4)]})
	}
	for i := range max(n/20, 3) {
		w := gyre.Weakness{
			ID: gyre.ID(2_000_000 + i*3), Key: fmt.Sprintf("CVE-20%02d-%04d", 10+i%16, i), CVSSScore: float64(r.IntN(101)) / 10,
			Title:   fmt.Sprintf("%s in lib%s %d allows an attacker to do harm", []string{"Overflow", "Injection", "Traversal", "Race"}[r.IntN(4)], []string{"ssl", "xml", "png", "curl"}[r.IntN(4)], i),
			Aliases: []string{fmt.Sprintf("GHSA-%04x-%04x", i, r.IntN(1<<16))}, CWEs: []string{fmt.Sprintf("CWE-%d", r.IntN(300))},
			CVSS: []string{"", "CVSS:3.1/AV:N/AC:L", "CVSS:3.1/AV:L/AC:L", "AV:A/AC:H"}[r.IntN(4)],
		}
		in := gyre.Intel{KEV: i%97 == 0, Ransomware: i%311 == 0, Exploit: []gyre.Exploit{"", "", "poc", "attacked"}[r.IntN(4)]}
		if r.IntN(3) > 0 {
			in.EPSS = r.Float64() * r.Float64() * r.Float64()
		}
		m.weaknesses = append(m.weaknesses, projection.Weakness{Weakness: w, Intel: in})
	}
	classes := []gyre.Class{gyre.Vulnerability, gyre.Vulnerability, gyre.Vulnerability, gyre.Misconfiguration, gyre.Secret}
	for i := range n {
		w := int(float64(len(m.weaknesses)) * r.Float64() * r.Float64())
		c := r.IntN(len(classes))
		locus := []string{"/var/lib/dpkg/status#lib%d", "/srv/app/package-lock.json#mod%d", "tcp/%d", "/etc/conf.d/%d.conf", "src/main%d.go:12"}[c]
		e := projection.Exposure{
			ID: gyre.ID(10_000_000 + i*2), Asset: m.assets[r.IntN(len(m.assets))].ID, Weakness: m.weaknesses[w].ID,
			Locus: fmt.Sprintf(locus, w%20_000), Class: classes[c], Aspect: []gyre.Aspect{gyre.AspectPackage, gyre.AspectService, gyre.AspectTLS, gyre.AspectCloud}[r.IntN(4)],
			Severity: gyre.Severity(r.IntN(5)), State: gyre.StateOpen, Fixable: r.IntN(2) == 0, Sources: [][]string{{"nessus"}, {"trivy"}, {"nessus", "trivy"}, {"network"}}[r.IntN(4)],
			FirstSeen: day(365 - i*365/n), LastSeen: day(r.IntN(30)), StateSince: day(r.IntN(100)),
		}
		if r.IntN(3) == 0 {
			e.State = gyre.States[r.IntN(len(gyre.States))]
		}
		if r.IntN(4) == 0 {
			e.Action = gyre.ID(5_000_000 + w%3000)
		}
		m.exposures = append(m.exposures, e)
	}
	return m
}

func stream[T any](list []T, ids []gyre.ID, id func(*T) gyre.ID, yield func(T) error) error {
	for i := range list {
		if ids != nil && !slices.Contains(ids, id(&list[i])) {
			continue
		}
		if err := yield(list[i]); err != nil {
			return err
		}
	}
	return nil
}

func (m *made) Assets(_ context.Context, _ gyre.ID, ids []gyre.ID, yield func(projection.Asset) error) error {
	return stream(m.assets, ids, func(a *projection.Asset) gyre.ID { return a.ID }, yield)
}

func (m *made) Weaknesses(_ context.Context, _ gyre.ID, ids []gyre.ID, yield func(projection.Weakness) error) error {
	return stream(m.weaknesses, ids, func(w *projection.Weakness) gyre.ID { return w.ID }, yield)
}

func (m *made) Exposures(_ context.Context, _ gyre.ID, ids []gyre.ID, yield func(projection.Exposure) error) error {
	return stream(m.exposures, ids, func(e *projection.Exposure) gyre.ID { return e.ID }, yield)
}
func (m *made) Scopes(context.Context, gyre.ID) ([]gyre.Scope, error) { return m.scopes, nil }

func (m *made) SeenByRuns(context.Context, gyre.ID, []gyre.ID, func(gyre.ID, time.Time) error, func(gyre.ID, time.Time) error) error {
	return nil
}

func (m *made) IntelOfWeaknesses(_ context.Context, _ gyre.ID, _ iter.Seq[gyre.Weakness], yield func(gyre.ID, gyre.Intel) error) error {
	return stream(m.weaknesses, nil, nil, func(w projection.Weakness) error { return yield(w.ID, w.Intel) })
}
func (m *made) LastSeq(context.Context, gyre.ID) (int64, error) { return 1, nil }

func (m *made) EventsSince(context.Context, gyre.ID, int64, int) ([]gyre.Event, error) {
	return nil, nil
}

// naive answers the same questions the plain way: it looks at one row after the
// other through the filter's closures, sorts everything that matches, and counts
// facets in maps. It says what is right, and what speed is compared with.
type naive struct {
	rows []naiveRow
}

type naiveRow struct {
	projection.Exposure
	asset    *projection.Asset
	weakness *projection.Weakness
	risk     float64
	scopes   []string
	appetite float64
}

func newNaive(m *made) *naive {
	assets, weaknesses := map[gyre.ID]*projection.Asset{}, map[gyre.ID]*projection.Weakness{}
	for i := range m.assets {
		assets[m.assets[i].ID] = &m.assets[i]
	}
	for i := range m.weaknesses {
		weaknesses[m.weaknesses[i].ID] = &m.weaknesses[i]
	}
	n := &naive{rows: make([]naiveRow, 0, len(m.exposures))}
	for _, e := range m.exposures {
		r := naiveRow{Exposure: e, asset: assets[e.Asset], weakness: weaknesses[e.Weakness]}
		var crit gyre.Criticality
		for _, s := range m.scopes {
			if slices.Contains(r.asset.Scopes, s.ID) {
				r.scopes = append(r.scopes, s.Name)
				crit = max(crit, s.Criticality)
				if s.RiskAppetite > 0 && (r.appetite == 0 || s.RiskAppetite < r.appetite) {
					r.appetite = s.RiskAppetite
				}
			}
		}
		slices.Sort(r.scopes)
		r.risk = prioritize.Risk(&prioritize.Input{
			Class: e.Class, Severity: e.Severity, CVSSScore: r.weakness.CVSSScore, CVSS: r.weakness.CVSS, Intel: r.weakness.Intel, Aspect: e.Aspect,
			Locus: e.Locus, Zone: r.asset.Zone, Criticality: r.asset.Criticality, ScopeCriticality: crit, State: e.State,
		})
		n.rows = append(n.rows, r)
	}
	return n
}

func (n *naive) Bool(field string) func(int) bool {
	f := map[string]func(r *naiveRow) bool{
		"intel.kev":             func(r *naiveRow) bool { return r.weakness.Intel.KEV },
		"intel.ransomware":      func(r *naiveRow) bool { return r.weakness.Intel.Ransomware },
		"asset.internet_facing": func(r *naiveRow) bool { return r.asset.Zone == gyre.ZoneInternet },
		"fix_available":         func(r *naiveRow) bool { return r.Fixable },
		"over_appetite":         func(r *naiveRow) bool { return r.appetite > 0 && r.risk > r.appetite },
	}[field]
	return func(i int) bool { return f(&n.rows[i]) }
}

func (n *naive) Number(field string) func(int) float64 {
	f := map[string]func(r *naiveRow) float64{
		"severity":          func(r *naiveRow) float64 { return float64(r.Severity) },
		"risk":              func(r *naiveRow) float64 { return r.risk },
		"cvss":              func(r *naiveRow) float64 { return r.weakness.CVSSScore },
		"intel.epss":        func(r *naiveRow) float64 { return r.weakness.Intel.EPSS },
		"asset.criticality": func(r *naiveRow) float64 { return float64(r.asset.Criticality) },
	}[field]
	return func(i int) float64 { return f(&n.rows[i]) }
}

func (n *naive) Text(field string) func(int) string {
	f := map[string]func(r *naiveRow) string{
		"state":         func(r *naiveRow) string { return string(r.State) },
		"class":         func(r *naiveRow) string { return string(r.Class) },
		"aspect":        func(r *naiveRow) string { return string(r.Aspect) },
		"band":          func(r *naiveRow) string { return string(gyre.BandOf(r.risk)) },
		"locus":         func(r *naiveRow) string { return r.Locus },
		"title":         func(r *naiveRow) string { return r.weakness.Title },
		"weakness":      func(r *naiveRow) string { return r.weakness.Key },
		"intel.exploit": func(r *naiveRow) string { return string(r.weakness.Intel.Exploit) },
		"asset.name":    func(r *naiveRow) string { return r.asset.Name },
		"asset.id":      func(r *naiveRow) string { return r.asset.ID.String() },
		"asset.kind":    func(r *naiveRow) string { return string(r.asset.Kind) },
		"asset.zone":    func(r *naiveRow) string { return string(r.asset.Zone) },
		"asset.owner":   func(r *naiveRow) string { return r.asset.Owner },
		"action":        func(r *naiveRow) string { return r.Action.String() },
	}[field]
	return func(i int) string { return f(&n.rows[i]) }
}

func (n *naive) TextList(field string) func(int) []string {
	f := map[string]func(r *naiveRow) []string{
		"aliases":    func(r *naiveRow) []string { return r.weakness.Aliases },
		"cwes":       func(r *naiveRow) []string { return r.weakness.CWEs },
		"asset.tags": func(r *naiveRow) []string { return r.asset.Tags },
		"scope":      func(r *naiveRow) []string { return r.scopes },
		"sources":    func(r *naiveRow) []string { return r.Sources },
	}[field]
	return func(i int) []string { return f(&n.rows[i]) }
}

func (n *naive) Time(field string) func(int) int64 {
	f := map[string]func(r *naiveRow) time.Time{
		"first_seen":  func(r *naiveRow) time.Time { return r.FirstSeen },
		"last_seen":   func(r *naiveRow) time.Time { return r.LastSeen },
		"state_since": func(r *naiveRow) time.Time { return r.StateSince },
	}[field]
	return func(i int) int64 { return f(&n.rows[i]).UnixMicro() }
}

// found is what a filter finds, in order, with its sum and facets.
type found struct {
	ids    []gyre.ID
	risk   float64
	facets map[string][]gyre.FacetValue
}

func (n *naive) answer(q gyre.ListQuery, now time.Time) (found, error) {
	f := found{facets: map[string][]gyre.FacetValue{}}
	filter, err := expr.CompileFilter(expr.ExposureSchema, q.Filter, now)
	if err != nil {
		return f, err
	}
	match, err := filter.Bind(n)
	if err != nil {
		return f, err
	}
	var rows []int
	for i := range n.rows {
		if match(i) {
			rows = append(rows, i)
			if n.rows[i].State.Active() {
				f.risk += n.rows[i].risk
			}
		}
	}
	for _, name := range q.Facets {
		f.facets[name] = n.facet(name, rows)
	}
	var by []func(a, b int) int
	for _, s := range q.Sort {
		by = append(by, n.order(s))
	}
	slices.SortFunc(rows, func(a, b int) int {
		for _, c := range by {
			if d := c(a, b); d != 0 {
				return d
			}
		}
		return cmp.Compare(n.rows[a].ID, n.rows[b].ID)
	})
	for _, i := range rows {
		f.ids = append(f.ids, n.rows[i].ID)
	}
	return f, nil
}

func (n *naive) order(s string) func(a, b int) int {
	name, desc := strings.CutPrefix(s, "-")
	field, _ := expr.ExposureSchema.Field(name)
	var c func(a, b int) int
	switch field.Type {
	case expr.Text:
		of := n.Text(name)
		c = func(a, b int) int { return strings.Compare(of(a), of(b)) }
	case expr.Time:
		of := n.Time(name)
		c = func(a, b int) int { return cmp.Compare(of(a), of(b)) }
	case expr.Bool:
		of := n.Bool(name)
		c = func(a, b int) int { return strings.Compare(fmt.Sprint(of(a)), fmt.Sprint(of(b))) }
	default:
		of := n.Number(name)
		c = func(a, b int) int { return cmp.Compare(of(a), of(b)) }
	}
	if desc {
		return func(a, b int) int { return c(b, a) }
	}
	return c
}

func (n *naive) facet(name string, rows []int) []gyre.FacetValue {
	field, _ := expr.ExposureSchema.Field(name)
	counts := map[string]int{}
	for _, i := range rows {
		switch field.Type {
		case expr.Text:
			counts[n.Text(name)(i)]++
		case expr.TextList:
			for _, v := range n.TextList(name)(i) {
				counts[v]++
			}
		case expr.Bool:
			counts[fmt.Sprint(n.Bool(name)(i))]++
		default:
			counts[gyre.Severity(n.Number(name)(i)).String()]++
		}
	}
	out := []gyre.FacetValue{}
	for v, c := range counts {
		out = append(out, gyre.FacetValue{Value: v, Count: c})
	}
	slices.SortFunc(out, func(a, b gyre.FacetValue) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Value, b.Value))
	})
	return out[:min(len(out), 100)]
}
