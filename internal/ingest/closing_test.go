// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package ingest_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/store/storetest"
	"github.com/gyre-ctem/gyre/plugin"
)

// look is one dated run: where it covers, and whether it sees the exposure.
type look func(*looked)

type looked struct {
	at       string
	source   string
	status   gyre.RunStatus
	host     string
	coverage *gyre.Coverage
	sees     bool
	creds    bool
	tool     string
}

func at(clock, source string, more ...look) looked {
	l := looked{at: clock, source: source, status: gyre.RunSucceeded, host: "h"}
	for _, m := range more {
		m(&l)
	}
	return l
}

func saw(l *looked)             { l.sees = true }
func withCredentials(l *looked) { l.creds = true }

// of is for a source that several tools write.
func of(tool string) look { return func(l *looked) { l.tool = tool } }

func ended(s gyre.RunStatus) look { return func(l *looked) { l.status = s } }

// looksAt covers loci; none is all.
func looksAt(loci ...string) look {
	return func(l *looked) {
		c := covered("h", loci...)
		l.coverage = &c
	}
}

func but(change func(*gyre.Coverage)) look {
	return func(l *looked) {
		looksAt()(l)
		change(l.coverage)
	}
}

func names(keys ...string) look {
	return but(func(c *gyre.Coverage) { c.Weaknesses = keys })
}

// said is what a person says between two looks.
type said struct {
	state gyre.State
}

// day is the day of the table; the clock stands at its end.
var day = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func (w *world) look(l looked) {
	w.t.Helper()
	d, err := time.Parse("15:04", strings.TrimPrefix(l.at, "tomorrow "))
	w.ok(err)
	started := day.Add(time.Duration(d.Hour())*time.Hour + time.Duration(d.Minute())*time.Minute)
	if strings.HasPrefix(l.at, "tomorrow ") {
		started = started.Add(24 * time.Hour)
	}
	b := &gyre.Batch{Assets: []gyre.AssetSighting{host("h", l.host, ip(addressOf(l.host)))}}
	if l.coverage != nil {
		c := *l.coverage
		c.Credentialed = l.creds
		b.Coverage = []gyre.Coverage{c}
	}
	if l.sees {
		f := finding("h", "a", "tcp/22")
		f.Credentialed = l.creds
		b.Findings = []gyre.Finding{f}
	}
	s, err := w.in.BeginDated(w.ctx, w.ws, gyre.Run{Source: l.source, Tool: l.tool, Started: started})
	w.ok(err)
	w.ok(s.Emit(w.ctx, b))
	_, err = s.Finish(w.ctx, l.status, plugin.Report{})
	w.ok(err)
}

// TestClosingTable is the table of docs/closing.md, line by line and in its words.
func TestClosingTable(t *testing.T) {
	seen := at("10:00", "net", saw)
	gone := at("11:00", "net", looksAt())
	tests := []struct {
		line  string
		looks []any // looked or said, in the order in which they come
		want  gyre.State
	}{
		{"`net` covers the asset at 11:00 and does not see it", []any{seen, gone}, gyre.StateFixed},
		{"`net` covers `tcp/22` among others", []any{seen, at("11:00", "net", looksAt("tcp/80", "tcp/22"))}, gyre.StateFixed},
		{"`net` covers `tcp/2*`", []any{seen, at("11:00", "net", looksAt("tcp/2*"))}, gyre.StateFixed},
		{"`net` covers `tcp/80` only", []any{seen, at("11:00", "net", looksAt("tcp/80"))}, gyre.StateOpen},
		{"`net` covers everything but `tcp/22`", []any{seen, at("11:00", "net", but(func(c *gyre.Coverage) { c.Except = []string{"tcp/22"} }))}, gyre.StateOpen},
		{"`net` covers another aspect", []any{seen, at("11:00", "net", but(func(c *gyre.Coverage) { c.Aspect = gyre.AspectTLS }))}, gyre.StateOpen},
		{"`net` covers another asset", []any{seen, at("11:00", "net", looksAt(), func(l *looked) { l.host = "10.0.0.2" })}, gyre.StateOpen},
		{"`net` covers other weaknesses only", []any{seen, at("11:00", "net", names("b", "c*"))}, gyre.StateOpen},
		{"`net` has facts of the place but does not judge them", []any{seen, at("11:00", "net", but(func(c *gyre.Coverage) { c.Judged = false }))}, gyre.StateOpen},
		{"`net` has no coverage, as a report without proof of what it covered", []any{seen, at("11:00", "net")}, gyre.StateOpen},
		{"it was seen with credentials, `net` has none", []any{at("10:00", "net", saw, withCredentials), gone}, gyre.StateOpen},
		{"it was seen with credentials, `net` has them too", []any{at("10:00", "net", saw, withCredentials), at("11:00", "net", looksAt(), withCredentials)}, gyre.StateFixed},
		{"it was seen both with and without credentials, `net` has none", []any{at("10:00", "net", saw, withCredentials), at("10:10", "other", saw), gone}, gyre.StateFixed},

		{"`net` covers it and fails", []any{seen, at("11:00", "net", looksAt(), ended(gyre.RunFailed))}, gyre.StateOpen},
		{"`net` covers it, some item failed (partial)", []any{seen, at("11:00", "net", looksAt(), ended(gyre.RunPartial))}, gyre.StateOpen},
		{"`net` covers it and is cancelled", []any{seen, at("11:00", "net", looksAt(), ended(gyre.RunCancelled))}, gyre.StateOpen},

		{"`other`, which never saw it, covers it", []any{seen, at("11:00", "other", looksAt())}, gyre.StateOpen},
		{"`other`, which never saw it, covers it and names its weakness", []any{seen, at("11:00", "other", names("a"))}, gyre.StateFixed},
		{"`other`, which saw it too, covers it", []any{at("09:00", "other", saw), seen, at("11:00", "other", looksAt())}, gyre.StateFixed},
		{
			"`other` closed it by name, it came back, `other` covers it without naming it",
			[]any{seen, at("11:00", "other", names("a")), at("12:00", "net", saw), at("13:00", "other", looksAt())},
			gyre.StateOpen,
		},
		{"a list of `sbom` by tool A saw it, one by tool B covers it", []any{at("10:00", "sbom", saw, of("A")), at("11:00", "sbom", looksAt(), of("B"))}, gyre.StateOpen},
		{"a list by A saw it, one by B names its weakness", []any{at("10:00", "sbom", saw, of("A")), at("11:00", "sbom", names("a"), of("B"))}, gyre.StateFixed},
		{"a list by A saw it, a later one by A covers it", []any{at("10:00", "sbom", saw, of("A")), at("11:00", "sbom", looksAt(), of("A"))}, gyre.StateFixed},
		{"lists by A and then by B saw it, a later one by B covers it", []any{at("09:00", "sbom", saw, of("A")), at("10:00", "sbom", saw, of("B")), at("11:00", "sbom", looksAt(), of("B"))}, gyre.StateFixed},
		{"a list that does not say who made it saw it, one by B covers it", []any{at("10:00", "sbom", saw), at("11:00", "sbom", looksAt(), of("B"))}, gyre.StateFixed},

		{"a report of 09:00 covers it and comes late", []any{seen, at("09:00", "net", looksAt())}, gyre.StateOpen},
		{"a report of the same time covers it", []any{seen, at("10:00", "net", looksAt())}, gyre.StateOpen},
		{"`other` saw it at 12:00; a report of `net` of 11:00 comes late", []any{seen, at("12:00", "other", saw), gone}, gyre.StateOpen},
		{"fixed at 11:00; a report of 10:30 that saw it comes late", []any{seen, gone, at("10:30", "net", saw)}, gyre.StateFixed},
		{"fixed at 11:00; a report of 11:00 that saw it comes late", []any{seen, gone, at("11:00", "other", saw)}, gyre.StateOpen},
		{"fixed at 11:00; it is seen at 12:00", []any{seen, gone, at("12:00", "net", saw)}, gyre.StateOpen},
		{"a report of 09:00 names it for the first time, `net` covered the place at 08:00 only", []any{at("08:00", "net", looksAt()), at("09:00", "net", saw)}, gyre.StateOpen},
		{"a report of 09:00 names it for the first time, after `net` covered the place at 11:00", []any{gone, at("09:00", "net", saw)}, gyre.StateFixed},
		{"`other` names it for the first time at 09:00, after `net`, which never saw it, covered the place at 11:00", []any{gone, at("09:00", "other", saw)}, gyre.StateOpen},
		{
			"fixed at 11:00 and 13:00; a report of 12:00 that saw it comes late",
			[]any{seen, gone, at("13:00", "net", looksAt()), at("12:00", "other", saw)},
			gyre.StateFixed,
		},
		{"a failed run of 09:00 names it for the first time, after `net` covered the place at 11:00", []any{gone, at("09:00", "net", saw, ended(gyre.RunFailed))}, gyre.StateFixed},
		{"a report dated tomorrow saw it; `net` covers it an hour later", []any{at("tomorrow 10:00", "net", saw), time.Hour, at("tomorrow 00:30", "net", looksAt())}, gyre.StateFixed},

		{"somebody accepted it; `net` covers it and does not see it", []any{seen, said{gyre.StateAccepted}, gone}, gyre.StateFixed},
		{"somebody called it false; `net` covers it and does not see it", []any{seen, said{gyre.StateFalsePositive}, gone}, gyre.StateFalsePositive},
		{"somebody called it false; it is seen again", []any{seen, said{gyre.StateFalsePositive}, at("11:00", "net", saw)}, gyre.StateFalsePositive},
		{"somebody claims the fix; a report of before that saw it comes late", []any{seen, said{gyre.StateFixClaimed}, at("10:30", "other", saw)}, gyre.StateFixClaimed},
	}
	text, err := os.ReadFile("../../docs/closing.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.TrimSpace(line), " | ")
		if len(cells) == 2 && !strings.HasPrefix(line, "| **") {
			lines[strings.TrimPrefix(cells[0], "| ")+" → "+strings.TrimSuffix(cells[1], " |")] = true
		}
	}
	delete(lines, "then → it is")
	for _, c := range tests {
		line := c.line + " → " + string(c.want)
		if !lines[line] {
			t.Errorf("docs/closing.md does not say: %s", line)
		}
		delete(lines, line)
		t.Run(c.line, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				w.now = day.Add(23*time.Hour + 50*time.Minute)
				for _, l := range c.looks {
					switch l := l.(type) {
					case looked:
						w.look(l)
					case time.Duration:
						w.now = w.now.Add(l)
					case said:
						var ids []gyre.ID
						w.ok(w.db.EachExposure(w.ctx, w.ws, func(e gyre.Exposure) error { ids = append(ids, e.ID); return nil }))
						_, err := w.db.SetStates(w.ctx, w.ws, ids, l.state, "ann", "why", time.Now().Add(time.Hour))
						w.ok(err)
					}
				}
				w.same(c.line, w.states(), map[string]gyre.State{"a at tcp/22": c.want})
			})
		})
	}
	for line := range lines {
		t.Errorf("docs/closing.md says, and no test holds: %s", line)
	}
}

// TestLateReportAgain: a report that names what is gone leaves no trace when it
// comes a second time.
func TestLateReportAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.now = day.Add(23 * time.Hour)
		w.look(at("10:00", "net", saw))
		w.look(at("11:00", "net", looksAt()))
		w.look(at("12:00", "other", saw))
		w.look(at("13:00", "other", looksAt()))
		for range 2 {
			before := w.seq()
			w.look(at("10:00", "net", saw))
			w.look(at("12:00", "other", saw))
			w.same("events: the runs' own", w.seq()-before, int64(4))
		}
	})
}

// TestLateFacts: what an old run collects that a newer one of the same source
// covered and did not see expires at once; what lies outside stays.
func TestLateFacts(t *testing.T) {
	for _, e := range storetest.Engines {
		t.Run(string(e), func(t *testing.T) {
			w := newWorld(t, storetest.Shared(t, e))
			old := w.now
			batch := func(locus, software string) *gyre.Batch {
				return &gyre.Batch{
					Assets:     []gyre.AssetSighting{host("h", "web-1", ip("10.0.0.1"))},
					Facts:      []gyre.Fact{{Asset: "h", Aspect: gyre.AspectService, Locus: locus, Data: map[string]any{"port": 1}}},
					Components: []gyre.ComponentSighting{{Asset: "h", PURL: "pkg:npm/" + software + "@1", Name: software, Version: "1", Location: "lock"}},
					Coverage: []gyre.Coverage{
						{Asset: "h", Aspect: gyre.AspectService, Loci: []string{"tcp/1", "tcp/2"}},
						{Asset: "h", Aspect: gyre.AspectPackage, Loci: []string{"lock#a", "lock#b"}},
					},
				}
			}
			have := func() (out []string) {
				var asset gyre.ID
				w.ok(w.db.EachAsset(w.ctx, w.ws, func(a gyre.Asset) error { asset = a.ID; return nil }))
				facts, err := w.db.Facts(w.ctx, w.ws, asset)
				w.ok(err)
				for _, f := range facts {
					out = append(out, f.Locus)
				}
				comps, err := w.db.Components(w.ctx, w.ws, asset, 0, 0)
				w.ok(err)
				for _, c := range comps {
					out = append(out, c.Name)
				}
				return out
			}
			w.run("host", gyre.RunSucceeded, batch("tcp/2", "b"))
			w.runAt(old, "host", gyre.RunSucceeded, batch("tcp/1", "a"))
			w.same("covered by a newer run", have(), []string{"tcp/2", "b"})
			w.runAt(old, "host", gyre.RunSucceeded, batch("tcp/3", "c"))
			w.same("outside its coverage", have(), []string{"tcp/2", "tcp/3", "b", "c"})
			w.runAt(old, "other", gyre.RunSucceeded, batch("tcp/1", "a"))
			w.same("of another source", have(), []string{"tcp/1", "tcp/2", "tcp/3", "b", "c", "a"})
		})
	}
}

func addressOf(name string) string {
	if name == "h" {
		return "10.0.0.1"
	}
	return name
}
