// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package ingest_test

import (
	"fmt"
	"sort"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/intel"
)

// advisories are the installation's, so each world of this file has names of its own.
var worlds atomic.Int64

type tied struct {
	*world
	number string
}

func newTied(w *world) tied { return tied{w, fmt.Sprint(700_000 + worlds.Add(1))} }

// own writes a name as the world's own: CVE-1 is CVE-700001-1.
func (w tied) own(names ...string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		kind, rest, _ := strings.Cut(n, "-")
		out[i] = kind + "-" + w.number + "-" + rest
	}
	return out
}

func (w tied) plain(s string) string { return strings.ReplaceAll(s, "-"+w.number, "") }

func (w tied) advisory(id string, keys []string, names ...string) {
	w.t.Helper()
	id = w.own(id)[0]
	w.ok(w.db.UpsertAdvisories(w.ctx, []intel.AdvisoryRow{{ID: id, Modified: time.Unix(1, 0), Keys: w.own(keys...), Names: w.own(names...), Data: []byte("{}")}}))
}

func (w tied) withdraw(id string, keys []string, names ...string) {
	w.t.Helper()
	id = w.own(id)[0]
	w.ok(w.db.UpsertAdvisories(w.ctx, []intel.AdvisoryRow{{ID: id, Withdrawn: true, Modified: time.Unix(2, 0), Keys: w.own(keys...), Names: w.own(names...), Data: []byte("{}")}}))
}

func (w tied) unify() {
	w.t.Helper()
	_, err := w.in.Unify(w.ctx, w.ws)
	w.ok(err)
}

func (w tied) report(source, key string, aliases ...string) {
	w.t.Helper()
	f := finding("h", w.own(key)[0], "tcp/1")
	f.Weakness.Aliases, f.Weakness.Class = w.own(aliases...), gyre.Vulnerability
	w.run(source, gyre.RunSucceeded, &gyre.Batch{Assets: []gyre.AssetSighting{host("h", "one", ip("10.0.0.1"))}, Findings: []gyre.Finding{f}})
}

// picture is every weakness with its names, and its exposures with who sees them.
func (w tied) picture() []string {
	w.t.Helper()
	by := map[gyre.ID][]string{}
	var all []gyre.Exposure
	w.ok(w.db.EachExposure(w.ctx, w.ws, func(e gyre.Exposure) error { all = append(all, e); return nil }))
	for _, e := range all {
		obs, err := w.db.Observations(w.ctx, w.ws, e.ID)
		w.ok(err)
		var sources []string
		for _, o := range obs {
			sources = append(sources, o.Source+" calls it "+w.plain(o.Weakness))
		}
		sort.Strings(sources)
		by[e.Weakness] = append(by[e.Weakness], fmt.Sprintf("%s %s %v", e.Place, e.State, sources))
	}
	var out []string
	w.ok(w.db.EachWeakness(w.ctx, w.ws, func(x gyre.Weakness) error {
		if by[x.ID] != nil { // what all exposures have left stays, and is on no list
			out = append(out, w.plain(fmt.Sprint(x.Key, x.Aliases))+fmt.Sprint(by[x.ID]))
		}
		delete(by, x.ID)
		return nil
	}))
	if len(by) > 0 {
		w.t.Fatalf("exposures of weaknesses out of sight: %v", by)
	}
	sort.Strings(out)
	return out
}

// TestAdvisoryTies: a report that knows only GHSA-x and one that knows only
// CVE-1 meet when an advisory ties them, before or after; and part when it is withdrawn.
func TestAdvisoryTies(t *testing.T) {
	each(t, func(t *testing.T, base *world) {
		w := newTied(base)
		w.report("a", "GHSA-x")
		w.report("b", "CVE-1")
		exposures, err := w.db.ExposuresOfAsset(w.ctx, w.ws, w.onlyAsset())
		w.ok(err)
		w.same("two", len(exposures), 2)
		_, err = w.db.SetStates(w.ctx, w.ws, []gyre.ID{exposures[0].ID}, gyre.StateTriaged, "ann", "looking", time.Time{})
		w.ok(err)
		w.unify()
		w.advisory("GHSA-x", []string{"CVE-1"}, "PYSEC-1")
		w.unify()
		want := []string{"CVE-1[GHSA-x PYSEC-1][tcp/1 triaged [a calls it GHSA-x b calls it CVE-1]]"}
		w.same("met", w.picture(), want)
		w.report("c", "PYSEC-1")
		w.same("a third name", w.picture(), []string{"CVE-1[GHSA-x PYSEC-1][tcp/1 triaged [a calls it GHSA-x b calls it CVE-1 c calls it PYSEC-1]]"})
		seq := w.seq()
		w.unify()
		w.advisory("GHSA-x", []string{"CVE-1"}, "PYSEC-1")
		w.unify()
		w.same("the same advisory again changes nothing", w.seq()-seq, int64(0))
		merges, err := w.db.Merges(w.ctx, w.ws, 0, 10)
		w.ok(err)
		w.same("why", w.plain(merges[0].Reason), "GHSA-x says that GHSA-x is CVE-1; GHSA-x says that PYSEC-1 is CVE-1")

		w.withdraw("GHSA-x", []string{"CVE-1"}, "PYSEC-1")
		w.unify()
		w.same("parted", w.picture(), []string{
			"CVE-1[][tcp/1 open [b calls it CVE-1]]", "GHSA-x[][tcp/1 triaged [a calls it GHSA-x]]", "PYSEC-1[][tcp/1 open [c calls it PYSEC-1]]",
		})
	})
}

func (w *world) onlyAsset() gyre.ID {
	w.t.Helper()
	var id gyre.ID
	w.ok(w.db.EachAsset(w.ctx, w.ws, func(a gyre.Asset) error { id = a.ID; return nil }))
	return id
}

// TestBulletinsTieNothing: an advisory for several CVEs is the name of none of
// them, also when it named one only before.
func TestBulletinsTieNothing(t *testing.T) {
	each(t, func(t *testing.T, base *world) {
		w := newTied(base)
		w.advisory("DSA-1", []string{"CVE-1"})
		w.report("a", "DSA-1")
		w.report("b", "CVE-1")
		w.same("for one", w.picture(), []string{"CVE-1[DSA-1][tcp/1 open [a calls it DSA-1 b calls it CVE-1]]"})
		w.advisory("DSA-1", []string{"CVE-1", "CVE-2"})
		w.unify()
		w.report("c", "CVE-2")
		w.same("for two", w.picture(), []string{
			"CVE-1[][tcp/1 open [b calls it CVE-1]]", "CVE-2[][tcp/1 open [c calls it CVE-2]]", "DSA-1[][tcp/1 open [a calls it DSA-1]]",
		})
	})
}

// TestNamesOrder: reports and advisories in any order give the same weaknesses,
// names and exposures.
func TestNamesOrder(t *testing.T) {
	names := []string{"CVE-1", "CVE-2", "GHSA-a", "GHSA-b", "GO-1", "PYSEC-1", "DSA-1", "acme-7"}
	type step struct {
		Advisory string
		Keys     []string
		Names    []string // of the advisory, or of the report
	}
	properties(t, func(rt *rapid.T, base *world) {
		var steps []step
		for i := range rapid.IntRange(1, 7).Draw(rt, "steps") {
			some := rapid.SliceOfNDistinct(rapid.SampledFrom(names), 1, 3, rapid.ID[string]).Draw(rt, "names")
			if rapid.Bool().Draw(rt, "advisory") {
				// As intel.Rows makes them: of several keys, the other names name none.
				s := step{Advisory: rapid.SampledFrom(names[2:]).Draw(rt, "id"), Keys: rapid.SliceOfNDistinct(rapid.SampledFrom(names[:3]), 1, 2, rapid.ID[string]).Draw(rt, "keys")}
				if len(s.Keys) == 1 {
					s.Names = some
				}
				for j := range steps {
					if steps[j].Advisory == s.Advisory { // the feed has one record of an id
						s.Advisory = ""
					}
				}
				if s.Advisory != "" {
					steps = append(steps, s)
				}
				continue
			}
			steps = append(steps, step{Keys: []string{fmt.Sprintf("source%d", i)}, Names: some})
		}
		play := func(w tied, order []int) []string {
			for _, n := range order {
				if s := steps[n]; s.Advisory != "" {
					w.advisory(s.Advisory, s.Keys, s.Names...)
				} else {
					w.report(s.Keys[0], s.Names[0], s.Names[1:]...)
				}
				if rapid.Bool().Draw(rt, "unify") {
					w.unify()
				}
			}
			w.unify()
			return w.picture()
		}
		first := play(newTied(base), rng(len(steps)))
		other := newTied(newWorldNamed(base.t, base.db, fmt.Sprintf("%d again", base.ws)))
		base.same("the other order", play(other, rapid.Permutation(rng(len(steps))).Draw(rt, "order")), first)
	})
}

// TestNamesPart: two names that were of one weakness, which was made one with a third,
// part from each other and from it; what is called by each goes with it.
func TestNamesPart(t *testing.T) {
	each(t, func(t *testing.T, base *world) {
		w := newTied(base)
		w.report("a", "GHSA-b", "GHSA-a")
		w.report("b", "CVE-2")
		w.report("b", "CVE-2", "GHSA-a")
		w.same("one", w.picture(), []string{"CVE-2[GHSA-a GHSA-b][tcp/1 open [a calls it GHSA-b b calls it CVE-2]]"})
		w.advisory("GHSA-a", []string{"GHSA-a"}, "CVE-2")
		w.advisory("GO-1", []string{"GHSA-a"}, "CVE-1") // two CVEs: GHSA-a is a bulletin
		w.unify()
		w.same("parted", w.picture(), []string{"CVE-2[][tcp/1 open [b calls it CVE-2]]", "GHSA-b[][tcp/1 open [a calls it GHSA-b]]"})
	})
}

// TestCorrelationRules: a person's word beats the advisories', counts for what is
// stored and what comes, can be tried, and leaves nothing behind when it is taken back.
func TestCorrelationRules(t *testing.T) {
	each(t, func(t *testing.T, base *world) {
		w := newTied(base)
		rule := func(kind gyre.CorrelationKind, name, other string) gyre.CorrelationRule {
			return gyre.CorrelationRule{Kind: kind, Name: w.own(name)[0], Other: w.own(other)[0], By: "ann"}
		}
		add := func(r gyre.CorrelationRule, try bool) gyre.CorrelationEffect {
			t.Helper()
			e, err := w.in.AddCorrelationRule(w.ctx, w.ws, r, try)
			w.ok(err)
			return e
		}
		remove := func(e gyre.CorrelationEffect) gyre.CorrelationEffect {
			t.Helper()
			e, err := w.in.RemoveCorrelationRule(w.ctx, w.ws, e.Rule.ID, "ann", false)
			w.ok(err)
			return e
		}
		w.report("a", "GHSA-x")
		w.report("b", "CVE-1")
		two := w.picture()
		seq := w.seq()
		tried := add(rule(gyre.CorrelateSame, "GHSA-x", "CVE-1"), true)
		w.same("tried", []int{tried.Merged, tried.Split, len(tried.Examples)}, []int{1, 0, 1})
		w.same("trying changes nothing", w.picture(), two)
		w.same("nor does it tell", w.seq(), seq)
		same := add(rule(gyre.CorrelateSame, "GHSA-x", "CVE-1"), false)
		w.same("does what it said", []int{same.Merged, same.Split}, []int{tried.Merged, tried.Split})
		w.same("one", w.picture(), []string{"CVE-1[GHSA-x][tcp/1 open [a calls it GHSA-x b calls it CVE-1]]"})
		w.report("c", "GHSA-x")
		w.same("what comes follows it", w.picture(), []string{"CVE-1[GHSA-x][tcp/1 open [a calls it GHSA-x b calls it CVE-1 c calls it GHSA-x]]"})
		_, err := w.in.AddCorrelationRule(w.ctx, w.ws, rule(gyre.CorrelateSame, "GHSA-x", "CVE-1"), false)
		w.same("the same rule again", gyre.ErrorCode(err), gyre.Conflict)
		remove(same)
		w.same("two again", w.picture(), []string{
			"CVE-1[][tcp/1 open [b calls it CVE-1]]", "GHSA-x[][tcp/1 open [a calls it GHSA-x c calls it GHSA-x]]",
		})

		w.advisory("GHSA-x", []string{"CVE-1"})
		w.unify()
		w.same("one by an advisory", len(w.picture()), 1)
		apart := add(rule(gyre.CorrelateDifferent, "GHSA-x", "CVE-1"), false)
		w.same("two by a person", w.picture(), []string{
			"CVE-1[][tcp/1 open [b calls it CVE-1]]", "GHSA-x[][tcp/1 open [a calls it GHSA-x c calls it GHSA-x]]",
		})
		remove(apart)
		w.same("one by the advisory again", len(w.picture()), 1)

		r := rule(gyre.CorrelateMeans, "sqli", "CWE-89")
		r.Tool, r.Name = "Semgrep", "sqli"
		add(r, false)
		f := finding("h", "semgrep:sqli", "tcp/2")
		w.run("sast", gyre.RunSucceeded, &gyre.Batch{Assets: []gyre.AssetSighting{host("h", "one", ip("10.0.0.1"))}, Findings: []gyre.Finding{f}})
		x, err := w.db.WeaknessByKey(w.ctx, w.ws, "semgrep:sqli")
		w.ok(err)
		w.same("a rule of a tool", w.plain(x.Key), "CWE-89")

		for _, bad := range []gyre.CorrelationRule{
			rule(gyre.CorrelateSame, "CVE-1", "CVE-2"), rule("like", "GHSA-x", "CVE-1"), rule(gyre.CorrelateSame, "GHSA-x", "GHSA-x"),
			{Kind: gyre.CorrelateSame, Other: "CVE-1"},
			{Kind: gyre.CorrelateMeans, Name: "sqli", Other: "CWE-89"},
		} {
			_, err := w.in.AddCorrelationRule(w.ctx, w.ws, bad, false)
			w.same("refused", gyre.ErrorCode(err), gyre.Invalid)
		}
	})
}

// TestNamesAndPlacesMeet: a tool that knows neither the CVE nor the file, and one
// that knows both, come to one exposure once an advisory ties the names.
func TestNamesAndPlacesMeet(t *testing.T) {
	each(t, func(t *testing.T, base *world) {
		w := newTied(base)
		say := func(source, key, locus string) {
			f := finding("repo", w.own(key)[0], locus)
			f.Aspect, f.Weakness.Class = gyre.AspectPackage, gyre.Vulnerability
			b := repo(f)
			b.Coverage = nil
			w.run(source, gyre.RunSucceeded, b)
		}
		say("sbom", "GHSA-x", "sbom#left-pad")
		say("lock", "CVE-1", "app/package-lock.json#left-pad")
		w.advisory("GHSA-x", []string{"CVE-1"})
		w.unify()
		want := []string{"CVE-1[GHSA-x][app/package-lock.json#left-pad open [lock calls it CVE-1 sbom calls it GHSA-x]]"}
		w.same("one", w.picture(), want)
		say("sbom", "GHSA-x", "sbom#left-pad")
		w.same("and stays one", w.picture(), want)
	})
}
