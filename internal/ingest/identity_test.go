// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package ingest_test

import (
	"math"
	"strings"
	"testing"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
)

func id(t gyre.IdentifierType, v string) gyre.Identifier { return gyre.Identifier{Type: t, Value: v} }

func TestIdentity(t *testing.T) {
	m1, m2 := id(gyre.IDMachine, "11111111-aaaa"), id(gyre.IDMachine, "22222222-bbbb")
	for _, c := range []struct {
		name  string
		sight []gyre.AssetSighting // one run each
		want  []string             // names of the assets
	}{
		{"one address", []gyre.AssetSighting{host("a", "one", ip("10.0.0.1")), host("b", "", ip("::ffff:10.0.0.1"))}, []string{"one"}},
		{"one address in two zones", []gyre.AssetSighting{
			host("a", "one", ip("10.0.0.1")),
			{Ref: "b", Kind: gyre.Host, Name: "two", Zone: gyre.ZoneInternal, Identifiers: []gyre.Identifier{ip("10.0.0.1")}},
		}, []string{"one", "two"}},
		{"a stronger identifier is learned", []gyre.AssetSighting{
			host("a", "", ip("10.0.0.1")), host("b", "one", m1, ip("10.0.0.1")), host("c", "", m1, ip("10.0.0.9")),
		}, []string{"one"}},
		{"a conflict of stronger ones vetoes", []gyre.AssetSighting{
			host("a", "one", m1, ip("10.0.0.1")), host("b", "two", m2, ip("10.0.0.1")),
		}, []string{"one", "two"}},
		{"an address moves to who has it now", []gyre.AssetSighting{
			host("a", "one", m1, ip("10.0.0.1")), host("b", "two", m2, ip("10.0.0.1")), host("c", "", ip("10.0.0.1"), id(gyre.IDSerial, "s")),
			host("d", "", m2, id(gyre.IDSerial, "s")),
		}, []string{"one", "two"}},
		{"a cloud id and a machine id meet", []gyre.AssetSighting{
			host("a", "one", id(gyre.IDCloud, "arn:1")), host("b", "two", m1), host("c", "", id(gyre.IDCloud, "ARN:1"), m1),
		}, []string{"one"}},
		{"two machine ids never meet over a name", []gyre.AssetSighting{
			host("a", "one", m1, id(gyre.IDFQDN, "x.test.")), host("b", "two", m2, id(gyre.IDFQDN, "X.test")),
		}, []string{"one", "two"}},
		{"what names a kind names no other", []gyre.AssetSighting{
			host("a", "one", id(gyre.IDFQDN, "x.test")), {Ref: "b", Kind: gyre.Domain, Name: "x.test", Identifiers: []gyre.Identifier{id(gyre.IDFQDN, "x.test")}},
		}, []string{"one", "x.test"}},
		{"a device is a host", []gyre.AssetSighting{
			host("a", "one", id(gyre.IDMAC, "AA-BB-CC-00-11-22")), {Ref: "b", Kind: gyre.Device, Identifiers: []gyre.Identifier{id(gyre.IDMAC, "aabb.cc00.1122")}},
		}, []string{"one"}},
		{"values that many share identify nothing", []gyre.AssetSighting{
			host("a", "one", id(gyre.IDSerial, "To Be Filled By O.E.M."), m1), host("b", "two", id(gyre.IDSerial, "to be filled by o.e.m."), m2),
		}, []string{"one", "two"}},
		{"a name is all there is", []gyre.AssetSighting{host("a", "One"), host("b", "one")}, []string{"One"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				for _, s := range c.sight {
					w.run("net", gyre.RunSucceeded, &gyre.Batch{Assets: []gyre.AssetSighting{s}})
				}
				w.same("assets", w.names(), c.want)
			})
		})
		t.Run(c.name+", in one batch", func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				w.run("net", gyre.RunSucceeded, &gyre.Batch{Assets: c.sight})
				w.same("assets", w.names(), c.want)
			})
		})
	}
}

// TestMerge: two assets turn out to be one; nothing that either had is lost.
func TestMerge(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		comp := gyre.ComponentSighting{Asset: "h", PURL: "pkg:a/b@1", Name: "b", Version: "1", Location: "/x"}
		other := comp
		other.PURL = "pkg:a/c@1"
		machine := id(gyre.IDMachine, "11111111")
		w.run("host", gyre.RunSucceeded, &gyre.Batch{
			Assets: []gyre.AssetSighting{host("h", "one", machine)}, Components: []gyre.ComponentSighting{comp},
			Findings: []gyre.Finding{finding("h", "a", "tcp/1"), finding("h", "b", "tcp/1")},
		})
		w.run("net", gyre.RunSucceeded, &gyre.Batch{
			Assets:     []gyre.AssetSighting{host("h", "", ip("10.0.0.1")), host("d", "d", ip("10.0.0.2"))},
			Relations:  []gyre.RelationSighting{{From: "d", To: "h", Type: gyre.CanReach}},
			Components: []gyre.ComponentSighting{comp, other},
			Findings:   []gyre.Finding{finding("h", "b", "tcp/1"), finding("h", "c", "tcp/1")},
			Facts:      []gyre.Fact{{Asset: "h", Aspect: gyre.AspectHost, Data: map[string]any{"address": "10.0.0.1"}}},
		})
		w.same("apart", len(w.names()), 3)
		w.run("agent", gyre.RunSucceeded, &gyre.Batch{
			Assets:   []gyre.AssetSighting{host("h", "", machine, ip("10.0.0.1"))},
			Findings: []gyre.Finding{finding("h", "d", "tcp/1")},
		})
		w.same("together", w.names(), []string{"one", "d"})
		w.same("exposures", w.states(), map[string]gyre.State{"a at tcp/1": "open", "b at tcp/1": "open", "c at tcp/1": "open", "d at tcp/1": "open"})
		a, err := w.db.FindAsset(w.ctx, w.ws, gyre.Host, gyre.Identifier{Type: gyre.IDIP, Value: "10.0.0.1", Zone: gyre.ZoneDMZ})
		w.ok(err)
		w.same("name", a.Name, "one")
		exposures, err := w.db.ExposuresOfAsset(w.ctx, w.ws, a.ID)
		w.ok(err)
		w.same("all on one asset", len(exposures), 4)
		for _, e := range exposures {
			obs, err := w.db.Observations(w.ctx, w.ws, e.ID)
			w.ok(err)
			x, err := w.db.Weakness(w.ctx, w.ws, e.Weakness)
			w.ok(err)
			want := 1
			if x.Key == "b" {
				want = 2
			}
			w.same("sources of "+x.Key, len(obs), want)
		}
		rel, err := w.db.Relations(w.ctx, w.ws, a.ID)
		w.ok(err)
		w.same("relations", len(rel), 1)
		facts, err := w.db.Facts(w.ctx, w.ws, a.ID)
		w.ok(err)
		w.same("facts", len(facts), 1)
	})
}

// TestMergeWithinRun: refs of earlier batches follow an asset that was merged.
func TestMergeWithinRun(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		machine := id(gyre.IDMachine, "11111111")
		r := w.run("net", gyre.RunSucceeded,
			&gyre.Batch{Assets: []gyre.AssetSighting{host("x", "", ip("10.0.0.1"))}},
			&gyre.Batch{Assets: []gyre.AssetSighting{host("y", "one", machine)}},
			&gyre.Batch{Assets: []gyre.AssetSighting{host("z", "", machine, ip("10.0.0.1"))}},
			&gyre.Batch{Findings: []gyre.Finding{finding("x", "a", "tcp/1"), finding("y", "a", "tcp/1"), finding("z", "a", "tcp/1")}},
		)
		w.same("assets", w.names(), []string{"one"})
		w.same("counts", []int{r.Counts.Assets, r.Counts.Created}, []int{1, 1})
	})
}

func TestKnownOnly(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ghost := &gyre.Batch{
			Assets:   []gyre.AssetSighting{{Ref: "h", Zone: gyre.ZoneDMZ, Identifiers: []gyre.Identifier{ip("10.0.0.1")}, KnownOnly: true}},
			Coverage: []gyre.Coverage{covered("h")}, Findings: []gyre.Finding{finding("h", "a", "tcp/1")},
		}
		r := w.run("net", gyre.RunSucceeded, ghost)
		w.same("counts", r.Counts, gyre.RunCounts{})
		w.same("assets", len(w.names()), 0)
		w.run("net", gyre.RunSucceeded, &gyre.Batch{Assets: []gyre.AssetSighting{host("h", "one", ip("10.0.0.1"))}})
		before, err := w.db.FindAsset(w.ctx, w.ws, gyre.Host, gyre.Identifier{Type: gyre.IDIP, Value: "10.0.0.1", Zone: gyre.ZoneDMZ})
		w.ok(err)
		ghost.Findings = nil
		r = w.run("net", gyre.RunSucceeded, ghost)
		cov, err := w.db.CoverageOfRun(w.ctx, w.ws, r.ID)
		w.ok(err)
		w.same("coverage counts", len(cov), 1)
		after, err := w.db.Asset(w.ctx, w.ws, before.ID)
		w.ok(err)
		w.same("it was not seen", after, before)
	})
}

// TestPinned: what a person has set stays; what sources say of the rest is joined.
func TestPinned(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := host("h", "one", ip("10.0.0.1"))
		s.Owner, s.Tags, s.Attributes = "scan", []string{"b", "a"}, map[string]string{"os": "linux"}
		w.run("net", gyre.RunSucceeded, &gyre.Batch{Assets: []gyre.AssetSighting{s}})
		a, err := w.db.FindAsset(w.ctx, w.ws, gyre.Host, gyre.Identifier{Type: gyre.IDIP, Value: "10.0.0.1", Zone: gyre.ZoneDMZ})
		w.ok(err)
		owner := "ann"
		_, err = w.db.PatchAsset(w.ctx, w.ws, a.ID, "ann", gyre.AssetPatch{Owner: &owner})
		w.ok(err)
		s.Zone, s.Criticality = gyre.ZoneDMZ, gyre.CriticalityHigh
		s.Tags, s.Attributes = []string{"c"}, map[string]string{"os": "Debian", "kernel": "6.1"}
		w.run("net", gyre.RunSucceeded, &gyre.Batch{Assets: []gyre.AssetSighting{s}})
		a, err = w.db.Asset(w.ctx, w.ws, a.ID)
		w.ok(err)
		w.same("asset", []any{a.Owner, a.Tags, a.Attributes, a.Criticality},
			[]any{"ann", []string{"a", "b", "c"}, map[string]string{"os": "Debian", "kernel": "6.1"}, gyre.CriticalityHigh})
	})
}

func TestWeaknessAliases(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		report := func(key string, aliases ...string) gyre.Finding {
			f := finding("h", key, "tcp/1")
			f.Weakness.Aliases, f.Weakness.Class = aliases, gyre.Vulnerability
			return f
		}
		run := func(source string, fs ...gyre.Finding) {
			w.run(source, gyre.RunSucceeded, &gyre.Batch{Assets: []gyre.AssetSighting{host("h", "one", ip("10.0.0.1"))}, Findings: fs})
		}
		run("a", report("ghsa-AAAA-bbbb-cccc"))
		run("b", report("CVE-2026-1", "GHSA-aaaa-bbbb-cccc", "DSA-1"))
		run("c", report("cve-2026-1"))
		run("d", report("CVE-2026-2", "DSA-1", "CVE-2026-1"), report("PYSEC-1", "CVE-2026-3"), report("PYSEC-1"))
		run("e", report("GHSA-dddd-dddd-dddd", "CVE-2026-4", "CVE-2026-5"), report("CVE-2026-4"), report("CVE-2026-5"))
		run("e", report("CVE-2026-5"), report("CVE-2026-4"), report("GHSA-dddd-dddd-dddd", "CVE-2026-4", "CVE-2026-5"))
		w.same("exposures", w.states(), map[string]gyre.State{
			"CVE-2026-1 at tcp/1": "open", "CVE-2026-2 at tcp/1": "open", "CVE-2026-3 at tcp/1": "open", "CVE-2026-4 at tcp/1": "open", "CVE-2026-5 at tcp/1": "open",
			"GHSA-dddd-dddd-dddd at tcp/1": "open", // it is said to be two, so it is neither
		})
		x, err := w.db.WeaknessByKey(w.ctx, w.ws, "GHSA-aaaa-bbbb-cccc")
		w.ok(err)
		w.same("key and aliases", append([]string{x.Key}, x.Aliases...), []string{"CVE-2026-1", "GHSA-aaaa-bbbb-cccc"})
		w.same("related", x.Related, []string{"DSA-1"})
		seq := w.seq()
		run("b", report("CVE-2026-1", "GHSA-aaaa-bbbb-cccc", "DSA-1"))
		run("a", report("ghsa-AAAA-bbbb-cccc"))
		w.same("saying it again changes nothing", w.seq()-seq, int64(4))
	})
}

// Two sources that rate an exposure differently do not take turns.
func TestSeveritySettles(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		say := func(source string, s gyre.Severity) {
			f := finding("h", "a", "tcp/1")
			f.Severity = s
			w.run(source, gyre.RunSucceeded, &gyre.Batch{Assets: []gyre.AssetSighting{host("h", "one", ip("10.0.0.1"))}, Findings: []gyre.Finding{f}})
		}
		severity := func() (s gyre.Severity) {
			w.ok(w.db.EachExposure(w.ctx, w.ws, func(e gyre.Exposure) error { s = e.Severity; return nil }))
			return s
		}
		say("a", gyre.SeverityHigh)
		say("a", gyre.SeverityLow)
		w.same("alone, it may lower it", severity(), gyre.SeverityLow)
		say("b", gyre.SeverityCritical)
		say("a", gyre.SeverityLow)
		say("b", gyre.SeverityCritical)
		w.same("the worse stays", severity(), gyre.SeverityCritical)
	})
}

func TestBadBatches(t *testing.T) {
	long := strings.Repeat("x", 5000)
	deep := map[string]any{}
	for range 40 {
		deep = map[string]any{"a": deep}
	}
	h := host("h", "one", ip("10.0.0.1"))
	with := func(change func(*gyre.Finding)) *gyre.Batch {
		f := finding("h", "a", "tcp/1")
		change(&f)
		return &gyre.Batch{Assets: []gyre.AssetSighting{h}, Findings: []gyre.Finding{finding("h", "b", "tcp/1"), f}}
	}
	fact := func(data map[string]any) *gyre.Batch {
		return &gyre.Batch{Assets: []gyre.AssetSighting{h}, Facts: []gyre.Fact{{Asset: "h", Aspect: "host", Data: data}}}
	}
	for _, c := range []struct {
		name, want string
		code       gyre.Code
		batch      *gyre.Batch
	}{
		{"unknown ref", "findings[1].asset", gyre.Invalid, with(func(f *gyre.Finding) { f.Asset = "other" })},
		{"stored ref of nothing", "asset", gyre.Invalid, with(func(f *gyre.Finding) { f.Asset = gyre.RefID(99) })},
		{"long locus", "findings[1].locus", gyre.Invalid, with(func(f *gyre.Finding) { f.Locus = long })},
		{"no key", "findings[1].weakness.key", gyre.Invalid, with(func(f *gyre.Finding) { f.Weakness.Key = " " })},
		{"unknown class", "findings[1].weakness.class", gyre.Invalid, with(func(f *gyre.Finding) { f.Weakness.Class = "x" })},
		{"severity", "findings[1].severity", gyre.Invalid, with(func(f *gyre.Finding) { f.Severity = 9 })},
		{"evidence that is not JSON", "findings[1].data", gyre.Invalid, with(func(f *gyre.Finding) { f.Evidence.Data["x"] = make(chan int) })},
		{"long name", "assets[0].name", gyre.Invalid, &gyre.Batch{Assets: []gyre.AssetSighting{host("h", long)}}},
		{"no identity", "assets[0].identifiers", gyre.Invalid, &gyre.Batch{Assets: []gyre.AssetSighting{host("h", "")}}},
		{"not an address", "assets[0].identifiers", gyre.Invalid, &gyre.Batch{Assets: []gyre.AssetSighting{host("h", "", ip("10.0.0"))}}},
		{"huge fact", "facts[0].data", gyre.TooLarge, fact(map[string]any{"a": strings.Repeat("x", 70<<10)})},
		{"deep fact", "facts[0].data", gyre.Invalid, fact(deep)},
		{"no number", "facts[0].data", gyre.Invalid, fact(map[string]any{"a": math.NaN()})},
		{"too many", "facts", gyre.TooLarge, &gyre.Batch{Facts: make([]gyre.Fact, 30_000)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				s, err := w.in.Begin(w.ctx, w.ws, gyre.Run{Source: "net"})
				w.ok(err)
				err = s.Emit(w.ctx, c.batch)
				if gyre.ErrorCode(err) != c.code || !strings.Contains(err.Error(), c.want+":") {
					t.Fatalf("error %v (%s) does not name %s", err, gyre.ErrorCode(err), c.want)
				}
				w.same("nothing of the batch is stored", []int{len(w.names()), len(w.states())}, []int{0, 0})
				r, err := s.Finish(w.ctx, gyre.RunFailed, plugin.Report{Problems: []gyre.Problem{{Place: "a", Reason: "b"}}})
				w.ok(err)
				w.same("run", []any{r.Status, len(r.Problems), r.Counts}, []any{gyre.RunFailed, 1, gyre.RunCounts{}})
				if _, err := s.Finish(w.ctx, gyre.RunSucceeded, plugin.Report{}); gyre.ErrorCode(err) != gyre.Conflict {
					t.Fatalf("a run ends twice: %v", err)
				}
				if err := s.Emit(w.ctx, &gyre.Batch{}); gyre.ErrorCode(err) != gyre.Conflict {
					t.Fatalf("a run goes on after its end: %v", err)
				}
			})
		})
	}
}

// Text that a database refuses, and evidence that is too large, are made fit.
func TestMadeFit(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		f := finding("h", "a", "tcp/1")
		f.Evidence = gyre.Evidence{Summary: "nul\x00 \xff", Data: map[string]any{"body": strings.Repeat("ü", 40<<10), "nul": "a\x00b", "list": []string{"x"}}}
		w.run("net", gyre.RunSucceeded, &gyre.Batch{Assets: []gyre.AssetSighting{host("h", "o\x00ne\xff", ip("10.0.0.1"))}, Findings: []gyre.Finding{f}})
		w.same("name", w.names(), []string{"one\uFFFD"})
		var exposure gyre.ID
		w.ok(w.db.EachExposure(w.ctx, w.ws, func(e gyre.Exposure) error { exposure = e.ID; return nil }))
		obs, err := w.db.Observations(w.ctx, w.ws, exposure)
		w.ok(err)
		body, _ := obs[0].Evidence.Data["body"].(string)
		w.same("evidence", []any{obs[0].Evidence.Summary, obs[0].Evidence.Data["nul"], len(body) > 500 && len(body) <= 1<<10, strings.HasSuffix(body, "ü…")},
			[]any{"nul \uFFFD", "ab", true, true})
	})
}
