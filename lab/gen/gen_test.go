// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package gen

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"sort"
	"strings"
	"testing"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
	"github.com/gyre-ctem/gyre/plugins/importer/nessus"
	"github.com/gyre-ctem/gyre/plugins/importer/sarif"
)

var importers = map[string]plugin.Importer{"nessus": nessus.Importer{}, "sarif": sarif.Importer{}}

// read imports a report and counts its findings at their places.
func read(t *testing.T, o Options) (places map[string]int, n int, b gyre.Batch) {
	t.Helper()
	var text bytes.Buffer
	if err := Write(&text, o); err != nil {
		t.Fatal(err)
	}
	if importers[o.Format].Detect("report", text.Bytes()[:min(text.Len(), 64<<10)]) != 100 {
		t.Fatalf("not recognised as %s", o.Format)
	}
	names := map[gyre.Ref]string{}
	places = map[string]int{}
	in := plugin.Input{Name: "report", Reader: &text, Progress: func(int, int, string) {}, Log: slog.New(slog.DiscardHandler)}
	report, err := importers[o.Format].Import(t.Context(), in, func(_ context.Context, got *gyre.Batch) error {
		for _, a := range got.Assets {
			names[a.Ref] = a.Name
		}
		for _, f := range got.Findings {
			places[fmt.Sprint(names[f.Asset], " ", f.Locus, " ", f.Weakness.Key)]++
			n++
		}
		b.Assets = append(b.Assets, got.Assets...)
		b.Findings = append(b.Findings, got.Findings...)
		b.Coverage = append(b.Coverage, got.Coverage...)
		return nil
	})
	if err != nil || len(report.Problems)+len(report.Limits) > 0 {
		t.Fatalf("%v, %v, %v", err, report.Problems, report.Limits)
	}
	return places, n, b
}

func TestReports(t *testing.T) {
	const findings = 5000
	for _, format := range Formats() {
		t.Run(format, func(t *testing.T) {
			first, n, b := read(t, Options{Format: format, Findings: findings, Seed: 1})
			// Nessus' importer joins what two plugins see at one place; SARIF's leaves that to ingest.
			if n > findings || n < findings*8/10 || format == "sarif" && n != findings {
				t.Errorf("%d findings of %d", n, findings)
			}
			if twice := findings - len(first); twice < findings/30 || twice > findings/8 {
				t.Errorf("%d findings are another's too", twice)
			}
			judged := false
			for _, c := range b.Coverage {
				judged = judged || c.Judged
			}
			if !judged {
				t.Error("the report closes nothing")
			}
			again, _, _ := read(t, Options{Format: format, Findings: findings, Seed: 1, Changed: 5})
			gone, fresh := 0, 0
			for p := range first {
				if again[p] == 0 {
					gone++
				}
			}
			for p := range again {
				if first[p] == 0 {
					fresh++
				}
			}
			if gone != fresh || gone < len(first)*3/100 || gone > len(first)*7/100 {
				t.Errorf("5 %% changed: %d gone and %d new of %d", gone, fresh, len(first))
			}
			other, _, _ := read(t, Options{Format: format, Findings: findings, Seed: 2})
			same := 0
			for p := range first {
				same += min(1, other[p])
			}
			if same > len(first)/4 {
				t.Errorf("another seed gives the same estate: %d of %d", same, len(first))
			}
		})
	}
}

// The estate is skewed: the commonest tenth of the weaknesses is half of what there is.
func TestSkew(t *testing.T) {
	e := newEstate(Options{Findings: 50_000, Seed: 1})
	byFlaw, hosts, total := map[int]int{}, []int{}, 0
	_ = e.each(func(_ int, sights []sight) error {
		for _, s := range sights {
			byFlaw[s.flaw.number]++
		}
		hosts, total = append(hosts, len(sights)), total+len(sights)
		return nil
	})
	counts := make([]int, 0, len(byFlaw))
	for _, n := range byFlaw {
		counts = append(counts, n)
	}
	sort.Sort(sort.Reverse(sort.IntSlice(counts)))
	top := 0
	for _, n := range counts[:len(counts)/10] {
		top += n
	}
	sort.Ints(hosts)
	median, largest := hosts[len(hosts)/2], hosts[len(hosts)-1]
	if total != 50_000 || top < total/2 || len(counts) < 1000 || largest < 10*median {
		t.Errorf("%d findings of %d weaknesses, %d by the commonest tenth; %d hosts, median %d, largest %d", total, len(counts), top, len(hosts), median, largest)
	}
}

// The same bytes in every version: reports of benchmarks
// can be compared over time. A change of these sums is a change of all figures.
func TestSameBytes(t *testing.T) {
	for format, want := range map[string]string{
		"nessus": "b16949c30b027ceb",
		"sarif":  "df259bbea0acd206",
	} {
		sum := sha256.New()
		if err := Write(sum, Options{Format: format, Findings: 2000, Seed: 7, Changed: 5}); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%x", sum.Sum(nil)[:8]); got != want {
			t.Errorf("%s: %s, want %s", format, got, want)
		}
	}
}

func TestOptions(t *testing.T) {
	for _, o := range []Options{{Format: "x"}, {Format: "sarif", Findings: -1}, {Format: "sarif", Changed: 101}, {Format: "nessus", Changed: -1}} {
		if err := Write(io.Discard, o); gyre.ErrorCode(err) != gyre.Invalid {
			t.Errorf("%+v: %v", o, err)
		}
	}
	for _, format := range Formats() {
		if err := Write(failing{}, Options{Format: format, Findings: 5000}); err == nil {
			t.Errorf("%s: a full disk is not reported", format)
		}
		if places, _, _ := read(t, Options{Format: format}); len(places) != 0 {
			t.Errorf("%s: %d findings of none", format, len(places))
		}
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestMemoryIsConstant(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 300 MB")
	}
	for _, format := range Formats() {
		base := heap()
		w := &watching{}
		if err := Write(w, Options{Format: format, Findings: 200_000, Seed: 1}); err != nil {
			t.Fatal(err)
		}
		if grown := w.peak - base; grown > 16<<20 || w.n < 50<<20 {
			t.Errorf("%s: the heap grew by %d MiB for %d MiB", format, grown>>20, w.n>>20)
		}
	}
}

type watching struct {
	n, seen int
	peak    int64
}

func (w *watching) Write(p []byte) (int, error) {
	if w.n += len(p); w.n > w.seen+8<<20 {
		w.seen = w.n
		w.peak = max(w.peak, heap())
	}
	return len(p), nil
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) // #nosec -- a heap's size
}

// Each is the estate of the reports: the same places, as many of them as were asked for.
func TestEach(t *testing.T) {
	o := Options{Findings: 5000, Seed: 3}
	want, _, _ := read(t, Options{Format: "nessus", Findings: 5000, Seed: 3})
	got, numbers := map[string]int{}, map[int]*Weakness{}
	sights := 0
	err := Each(o, func(h Host) error {
		for _, s := range h.Sights {
			sights++
			if s.Twice {
				sights++
			}
			if w := numbers[s.Weakness.Number]; w != nil && w != s.Weakness {
				t.Errorf("weakness %d is two", w.Number)
			}
			numbers[s.Weakness.Number] = s.Weakness
			if strings.HasPrefix(s.Weakness.Key, "CVE-") {
				got[h.Name+" "+s.Weakness.Key]++
			}
		}
		return nil
	})
	if err != nil || sights != 5000 {
		t.Fatalf("%d sights: %v", sights, err)
	}
	for place := range want {
		if parts := strings.Fields(place); strings.HasPrefix(parts[2], "CVE-") && got[parts[0]+" "+parts[2]] == 0 {
			t.Errorf("%s is in the report only", place)
		}
	}
	for place, n := range got {
		if n != 1 {
			t.Errorf("%s is there %d times", place, n)
		}
	}
	if err := Each(Options{Findings: -1}, nil); gyre.ErrorCode(err) != gyre.Invalid {
		t.Error(err)
	}
}

func TestEachIsConstant(t *testing.T) {
	if testing.Short() {
		t.Skip("makes two million sights")
	}
	base, peak, hosts := heap(), int64(0), 0
	err := Each(Options{Findings: 2_000_000, Seed: 1, PerHost: 5, Packages: 8500}, func(Host) error {
		if hosts++; hosts%50_000 == 0 {
			peak = max(peak, heap())
		}
		return nil
	})
	if grown := peak - base; err != nil || grown > 48<<20 {
		t.Errorf("the heap grew by %d MiB: %v", grown>>20, err)
	}
}
