// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package ingest_test

import (
	"fmt"
	"sort"
	"testing"

	"pgregory.net/rapid"

	"github.com/gyre-ctem/gyre"
)

// code is a finding in source code.
func code(key, locus, fingerprint string) gyre.Finding {
	f := finding("repo", key, locus)
	f.Aspect, f.Fingerprint = gyre.AspectCode, fingerprint
	return f
}

func repo(findings ...gyre.Finding) *gyre.Batch {
	return &gyre.Batch{
		Assets:   []gyre.AssetSighting{host("repo", "repo", gyre.Identifier{Type: gyre.IDURI, Value: "https://git.example/shop"})},
		Findings: findings,
		Coverage: []gyre.Coverage{{Judged: true, Asset: "repo", Aspect: gyre.AspectCode}, {Judged: true, Asset: "repo", Aspect: gyre.AspectPackage}},
	}
}

// places are keys, loci, states and sources of all exposures.
func (w *world) places() []string {
	w.t.Helper()
	keys := map[gyre.ID]string{}
	w.ok(w.db.EachWeakness(w.ctx, w.ws, func(x gyre.Weakness) error { keys[x.ID] = x.Key; return nil }))
	var out []string
	var all []gyre.Exposure
	w.ok(w.db.EachExposure(w.ctx, w.ws, func(e gyre.Exposure) error { all = append(all, e); return nil }))
	for _, e := range all {
		obs, err := w.db.Observations(w.ctx, w.ws, e.ID)
		w.ok(err)
		var sources []string
		for _, o := range obs {
			sources = append(sources, o.Source)
		}
		sort.Strings(sources)
		out = append(out, fmt.Sprintf("%s at %s %s %v", keys[e.Weakness], e.Place, e.State, sources))
	}
	sort.Strings(out)
	return out
}

// TestCodeMoves: a finding whose line moves is the same exposure: not closed,
// not new, shown where it is now. Twins stay two.
func TestCodeMoves(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.run("sast", gyre.RunSucceeded, repo(code("sqli", "src/db.go:10", "x"), code("sqli", "src/db.go:90", "x#2"), code("sqli", "src/db.go:7", "")))
		before := w.places()
		r := w.run("sast", gyre.RunSucceeded, repo(code("sqli", "/src/db.go:15", "x"), code("sqli", "src/db.go:95", "x#2"), code("sqli", "src/db.go:7", "")))
		w.same("counts", []int{r.Counts.Created, r.Counts.Closed, r.Counts.Reopened}, []int{0, 0, 0})
		w.same("places", w.places(), before)
		w.same("loci", w.states(), map[string]gyre.State{
			"sqli at /src/db.go:15": gyre.StateOpen, "sqli at src/db.go:95": gyre.StateOpen, "sqli at src/db.go:7": gyre.StateOpen,
		})
		seq := w.seq()
		w.run("sast", gyre.RunSucceeded, repo(code("sqli", "/src/db.go:15", "x"), code("sqli", "src/db.go:95", "x#2"), code("sqli", "src/db.go:7", "")))
		w.same("events of the same again", w.seq()-seq, int64(2))
		r = w.run("sast", gyre.RunSucceeded, repo(code("sqli", "src/db.go:16", "x")))
		w.same("closed", r.Counts.Closed, 2)
	})
}

// TestFingerprintComesLater: a tool that begins to tell fingerprints, or a
// database from before there were any, keeps its exposures.
func TestFingerprintComesLater(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.run("sast", gyre.RunSucceeded, repo(code("sqli", "src/db.go:10", ""), code("sqli", "src/db.go:20", "")))
		r := w.run("sast", gyre.RunSucceeded, repo(code("sqli", "src/db.go:10", "x"), code("sqli", "src/db.go:20", "x#2")))
		w.same("counts", []int{r.Counts.Created, r.Counts.Closed}, []int{0, 0})
		r = w.run("sast", gyre.RunSucceeded, repo(code("sqli", "src/db.go:11", "x"), code("sqli", "src/db.go:21", "x#2")))
		w.same("counts of the move", []int{r.Counts.Created, r.Counts.Closed}, []int{0, 0})
	})
}

// TestTwoToolsOneLine: of two tools that see one place, each moves what people
// see only when its own word changes, so they do not take turns.
func TestTwoToolsOneLine(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.run("a", gyre.RunSucceeded, repo(code("sqli", "src/db.go:10", "x")))
		w.run("b", gyre.RunSucceeded, repo(code("sqli", "src/db.go:11", "x")))
		w.run("a", gyre.RunSucceeded, repo(code("sqli", "src/db.go:10", "x")))
		w.same("the first one's line", w.states(), map[string]gyre.State{"sqli at src/db.go:10": gyre.StateOpen})
		seq := w.seq()
		w.run("b", gyre.RunSucceeded, repo(code("sqli", "src/db.go:11", "x")))
		w.same("events of what was said before", w.seq()-seq, int64(2))
		w.run("b", gyre.RunSucceeded, repo(code("sqli", "src/db.go:30", "x")))
		w.same("the newer line", w.states(), map[string]gyre.State{"sqli at src/db.go:30": gyre.StateOpen})
	})
}

// TestLineAndFingerprint: of two tools that see one line, of which one tells the
// code's fingerprint and came second, each finds the exposure again.
func TestLineAndFingerprint(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.run("line", gyre.RunPartial, repo(code("sqli", "src/db.go:10", "")))
		w.run("print", gyre.RunPartial, repo(code("sqli", "src/db.go:10", "x")))
		want := []string{"sqli at src/db.go:10 open [line print]"}
		w.same("one exposure", w.places(), want)
		seq := w.seq()
		w.run("line", gyre.RunPartial, repo(code("sqli", "src/db.go:10", "")))
		w.run("print", gyre.RunPartial, repo(code("sqli", "src/db.go:10", "x")))
		w.same("after both again", w.places(), want)
		w.same("events", w.seq()-seq, int64(4)) // of the runs themselves
		w.run("line", gyre.RunSucceeded, repo())
		w.run("print", gyre.RunPartial, repo(code("sqli", "src/db.go:10", "x")))
		w.run("print", gyre.RunPartial, repo(code("sqli", "src/db.go:12", "x")))
		w.same("when it is alone it follows the code", w.states(), map[string]gyre.State{"sqli at src/db.go:12": gyre.StateOpen})
	})
}

// TestOwnWordsClose: a tool closes what it saw by what it calls the place,
// also where people are shown what another one calls it.
func TestOwnWordsClose(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		pkg := func(locus string) gyre.Finding {
			f := finding("repo", "CVE-2026-1", locus)
			f.Aspect = gyre.AspectPackage
			return f
		}
		w.run("sbom", gyre.RunSucceeded, repo(pkg("sbom#OpenSSL")))
		w.run("host", gyre.RunPartial, repo(pkg("/var/lib/dpkg/status#openssl")))
		w.same("one exposure", w.places(), []string{"CVE-2026-1 at dpkg#openssl open [host sbom]"})
		w.same("where a person finds it", w.states(), map[string]gyre.State{"CVE-2026-1 at /var/lib/dpkg/status#openssl": gyre.StateOpen})
		b := repo()
		b.Coverage = []gyre.Coverage{{Judged: true, Asset: "repo", Aspect: gyre.AspectPackage, Loci: []string{"sbom#*"}}}
		r := w.run("sbom", gyre.RunSucceeded, b)
		w.same("closed", r.Counts.Closed, 1)
	})
}

// TestPlacesOrder: whoever comes first, tools that see one package at a place
// and tools that know only its name come to the same exposures; also when they know the
// asset by different identifiers, and it turns out later that it is one.
func TestPlacesOrder(t *testing.T) {
	type report struct{ source, locus, ecosystem string }
	all := []report{
		{"sbom", "sbom#Left_Pad", ""},
		{"purl", "pkg:npm/left-pad@1.0", ""},
		{"lock", "app/package-lock.json#left-pad", "npm"},
		{"lock", "web/package-lock.json#left-pad", "npm"},
		{"other", "/web/package-lock.json#left-pad@1.0.0", ""},
		{"os", "/var/lib/dpkg/status#left-pad", "Debian:12"},
		{"os2", "sbom#left-pad", "Debian:12"},
	}
	url := func(name string) gyre.Identifier {
		return gyre.Identifier{Type: gyre.IDURI, Value: "https://" + name + ".example/shop"}
	}
	known := map[string][]gyre.Identifier{"git": {url("git")}, "mirror": {url("mirror")}, "both": {url("git"), url("mirror")}}
	properties(t, func(rt *rapid.T, w *world) {
		chosen := rapid.SliceOfNDistinct(rapid.SampledFrom(all), 1, len(all), rapid.ID[report]).Draw(rt, "reports")
		by := map[string]string{} // source → by what it knows the asset
		for _, r := range all {
			by[r.source] = rapid.SampledFrom([]string{"git", "mirror", "both"}).Draw(rt, "known by")
		}
		play := func(w *world, name string) []string {
			for range 2 { // the second time, every tool has seen all places
				order := rapid.Permutation(chosen).Draw(rt, name)
				tie := rapid.IntRange(0, len(order)).Draw(rt, "tied after")
				for i := 0; ; {
					if tie >= 0 && i >= tie {
						w.run("cmdb", gyre.RunSucceeded, &gyre.Batch{Assets: []gyre.AssetSighting{host("repo", "repo", known["both"]...)}})
						tie = -1
					}
					if i == len(order) {
						break
					}
					n := rapid.IntRange(1, len(order)-i).Draw(rt, "of one source")
					var fs []gyre.Finding
					for _, r := range order[i:min(i+n, len(order))] {
						if r.source != order[i].source {
							break
						}
						f := finding("repo", "CVE-2026-1", r.locus)
						f.Aspect, f.Remedy = gyre.AspectPackage, gyre.Remedy{Kind: gyre.RemedyUpgrade, Ecosystem: r.ecosystem}
						fs = append(fs, f)
					}
					b := repo(fs...)
					b.Coverage, b.Assets[0].Identifiers = nil, known[by[order[i].source]]
					w.run(order[i].source, gyre.RunSucceeded, b)
					i += len(fs)
				}
			}
			return w.places()
		}
		first := play(w, "first")
		second := play(newWorldNamed(w.t, w.db, fmt.Sprintf("%d again", w.ws)), "second")
		w.same("the other order", second, first)
	})
}

// TestVagueMeetsExact: of two assets that turn out to be one, one is known to have
// a package and the other where it lies. That is one exposure, with both sources, and two
// again when the merge is undone.
func TestVagueMeetsExact(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		say := func(source, name, locus string) {
			f := finding("repo", "CVE-2026-1", locus)
			f.Aspect = gyre.AspectPackage
			w.run(source, gyre.RunSucceeded, &gyre.Batch{
				Assets:   []gyre.AssetSighting{host("repo", name, gyre.Identifier{Type: gyre.IDURI, Value: "https://" + name + ".example"})},
				Findings: []gyre.Finding{f},
			})
		}
		say("sbom", "mirror", "sbom#openssl")
		say("host", "git", "/var/lib/dpkg/status#openssl")
		two := []string{"CVE-2026-1 at #openssl open [sbom]", "CVE-2026-1 at dpkg#openssl open [host]"}
		w.same("two assets", w.places(), two)
		ids := map[string]gyre.ID{}
		w.ok(w.db.EachAsset(w.ctx, w.ws, func(a gyre.Asset) error { ids[a.Name] = a.ID; return nil }))
		for _, dir := range [][2]string{{"mirror", "git"}, {"git", "mirror"}} {
			preview, err := w.db.PreviewMerge(w.ctx, w.ws, ids[dir[0]], ids[dir[1]])
			w.ok(err)
			m, err := w.db.MergeAssets(w.ctx, w.ws, ids[dir[0]], ids[dir[1]], "ann", "a mirror")
			w.ok(err)
			w.same("one asset", w.places(), []string{"CVE-2026-1 at dpkg#openssl open [host sbom]"})
			if dir[0] == "mirror" {
				w.same("as the preview said", []int{preview.Same, preview.Moved}, []int{1, 0})
			}
			_, err = w.db.UndoMerge(w.ctx, w.ws, m.ID, "ann")
			w.ok(err)
			w.same("two again", w.places(), two)
		}
	})
}
