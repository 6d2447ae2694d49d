// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package intel

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/match"
	"github.com/gyre-ctem/gyre/plugin"
)

// memory is a Store in memory. The SQL one is tested by its own suite.
type memory struct {
	mu         sync.Mutex
	advisories map[string]AdvisoryRow
	kev        []plugin.KEV
	epss       map[string]plugin.EPSS
	records    map[string]FeedRecord
	fail       error
}

func newMemory() *memory {
	return &memory{advisories: map[string]AdvisoryRow{}, epss: map[string]plugin.EPSS{}, records: map[string]FeedRecord{}}
}

func (m *memory) UpsertAdvisories(_ context.Context, rows []AdvisoryRow) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range rows {
		m.advisories[r.ID] = r
	}
	return m.fail
}

func (m *memory) Advisories(_ context.Context, keys []match.PackageKey) ([][]byte, error) {
	var out [][]byte
	for _, r := range m.advisories {
		if slices.ContainsFunc(keys, func(k match.PackageKey) bool { return slices.Contains(r.Packages, k) }) {
			out = append(out, r.Data)
		}
	}
	return out, nil
}

func (m *memory) AdvisoryNames(context.Context, []string) (map[string][]string, error) {
	return nil, errors.ErrUnsupported
}

func (m *memory) ReplaceKEV(_ context.Context, all []plugin.KEV) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kev = all
	return m.fail
}

func (m *memory) UpsertEPSS(_ context.Context, rows []plugin.EPSS) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range rows {
		m.epss[r.CVE] = r
	}
	return m.fail
}

func (m *memory) UpsertExploits(context.Context, []plugin.ExploitRecord) error { return m.fail }

func (m *memory) Intel(context.Context, []string) (map[string]gyre.Intel, error) {
	return nil, errors.ErrUnsupported
}

func (m *memory) FeedRecords(context.Context) ([]FeedRecord, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []FeedRecord
	for _, r := range m.records {
		out = append(out, r)
	}
	return out, nil
}

func (m *memory) PutFeedRecord(_ context.Context, r FeedRecord) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.records[r.Name] = r
	return nil
}

// feed answers what its function says and remembers what it was asked.
type feed struct {
	name  string
	asked []plugin.FeedRequest
	sync  func(req plugin.FeedRequest, emit func(*plugin.IntelBatch) error) (plugin.FeedState, error)
}

func (f *feed) Info() plugin.Info {
	return plugin.Info{Name: f.name, Title: strings.ToUpper(f.name), Without: "what " + f.name + " tells"}
}
func (f *feed) DefaultURL() string { return "https://" + f.name + ".example" }
func (f *feed) Sync(ctx context.Context, req plugin.FeedRequest, emit plugin.EmitIntel) (plugin.FeedState, error) {
	f.asked = append(f.asked, req)
	return f.sync(req, func(b *plugin.IntelBatch) error { return emit(ctx, b) })
}

var start = time.Date(2026, 8, 20, 12, 0, 0, 0, time.UTC)

func TestSync(t *testing.T) {
	now := start
	m := newMemory()
	kev := &feed{name: "kev", sync: func(_ plugin.FeedRequest, emit func(*plugin.IntelBatch) error) (plugin.FeedState, error) {
		for _, cve := range []string{"CVE-2021-1111", "CVE-2021-2222"} {
			if err := emit(&plugin.IntelBatch{KEV: []plugin.KEV{{CVE: cve}}}); err != nil {
				return plugin.FeedState{}, err
			}
		}
		return plugin.FeedState{ETag: "e1", Records: 2, Date: start}, nil
	}}
	osv := &feed{name: "osv", sync: func(req plugin.FeedRequest, emit func(*plugin.IntelBatch) error) (plugin.FeedState, error) {
		err := emit(&plugin.IntelBatch{Advisories: []plugin.Advisory{
			{ID: "GHSA-1", OSV: []byte(`{"id":"GHSA-1","aliases":["CVE-2024-1000"],"affected":[{"package":{"ecosystem":"npm","name":"Left"},"versions":["1.0.0"]}]}`)},
			{ID: "ALBA-1:1", OSV: []byte(`{"id":"ALBA-1:1","affected":[]}`)},
			{ID: "bad", OSV: []byte(`{"id":7}`)},
		}})
		return plugin.FeedState{Records: 3, Parts: map[string]plugin.FeedState{"npm": {Records: 3}}}, err
	}}
	epss := &feed{name: "epss", sync: func(plugin.FeedRequest, func(*plugin.IntelBatch) error) (plugin.FeedState, error) {
		return plugin.FeedState{}, gyre.Errorf(gyre.Unavailable, "no route")
	}}
	in := New(m, []plugin.Feed{kev, epss, osv}, Config{
		MaxAge: time.Hour * 24, Now: func() time.Time { return now },
		Ecosystems: func(context.Context) ([]string, error) { return []string{"npm", "Debian:12", "Debian:11", ""}, nil },
	})
	before, err := in.Status(t.Context())
	if err != nil || before[0].Missing != "what kev tells" || !before[0].LastTry.IsZero() {
		t.Fatalf("%+v %v", before, err)
	}
	got, err := in.Sync(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []gyre.FeedStatus{
		{Name: "kev", Title: "KEV", Base: "https://kev.example", LastTry: now, LastSync: now, DataDate: start, Records: 2},
		{Name: "epss", Title: "EPSS", Base: "https://epss.example", LastTry: now, Error: "no route", Missing: "what epss tells"},
		{Name: "osv", Title: "OSV", Base: "https://osv.example", LastTry: now, LastSync: now, Records: 3, Skipped: 1, Missing: "advisories for Debian"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(m.kev) != 2 || len(m.advisories) != 1 {
		t.Errorf("stored %d KEV entries, %d advisories", len(m.kev), len(m.advisories))
	}
	row := m.advisories["GHSA-1"]
	if diff := cmp.Diff(AdvisoryRow{
		ID: "GHSA-1", Names: []string{"CVE-2024-1000"}, Keys: []string{"CVE-2024-1000"},
		Packages: []match.PackageKey{{Ecosystem: "npm", Name: "left"}}, Data: row.Data,
	}, row); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"Debian", "npm"}, osv.asked[0].Ecosystems); diff != "" {
		t.Error(diff)
	}

	// A fresh feed is left alone; one that failed is tried again.
	now = now.Add(time.Minute)
	if _, err := in.Sync(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if len(kev.asked) != 1 || len(epss.asked) != 2 || len(osv.asked) != 1 {
		t.Errorf("asked kev %d, epss %d, osv %d times", len(kev.asked), len(epss.asked), len(osv.asked))
	}
	// A day later, all of them, with the state of last time.
	now = now.Add(24 * time.Hour)
	if _, err := in.Sync(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if len(kev.asked) != 2 || kev.asked[1].Last.ETag != "e1" {
		t.Errorf("%+v", kev.asked)
	}
}

func TestFailureKeepsWhatWasThere(t *testing.T) {
	now := start
	m := newMemory()
	broken := false
	kev := &feed{name: "kev", sync: func(_ plugin.FeedRequest, emit func(*plugin.IntelBatch) error) (plugin.FeedState, error) {
		if err := emit(&plugin.IntelBatch{KEV: []plugin.KEV{{CVE: "CVE-2021-1111"}}}); err != nil || broken {
			return plugin.FeedState{}, errors.New("cut off")
		}
		return plugin.FeedState{ETag: "e1", Records: 1}, nil
	}}
	in := New(m, []plugin.Feed{kev}, Config{Base: "/srv/feeds/", Now: func() time.Time { return now }})
	if _, err := in.SyncNow(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if kev.asked[0].Base != "/srv/feeds/kev" {
		t.Errorf("base %q", kev.asked[0].Base)
	}
	m.kev = append(m.kev, plugin.KEV{CVE: "CVE-2021-9999"})
	broken, now = true, now.Add(time.Hour)
	got, err := in.SyncNow(t.Context(), nil, "kev")
	if err != nil {
		t.Fatal(err)
	}
	if len(m.kev) != 2 {
		t.Errorf("a half-read catalogue replaced the whole one: %v", m.kev)
	}
	if got[0].Error != "cut off" || got[0].Records != 1 || !got[0].LastSync.Equal(start) || got[0].Missing != "what changed since 2026-08-20" {
		t.Errorf("%+v", got[0])
	}
	if m.records["kev"].State.ETag != "e1" {
		t.Errorf("state %+v", m.records["kev"].State)
	}
}

func TestAnotherBaseStartsAfresh(t *testing.T) {
	m := newMemory()
	m.records["kev"] = FeedRecord{Name: "kev", Base: "https://elsewhere", Synced: start, State: plugin.FeedState{ETag: "e1", Records: 5}}
	kev := &feed{name: "kev", sync: func(plugin.FeedRequest, func(*plugin.IntelBatch) error) (plugin.FeedState, error) {
		return plugin.FeedState{Records: 1}, nil
	}}
	in := New(m, []plugin.Feed{kev}, Config{MaxAge: time.Hour, Now: func() time.Time { return start }})
	if _, err := in.Sync(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if len(kev.asked) != 1 || kev.asked[0].Last.ETag != "" {
		t.Errorf("%+v", kev.asked)
	}
}

func TestStoreFailureIsAnError(t *testing.T) {
	m := newMemory()
	m.fail = errors.New("disk full")
	epss := &feed{name: "epss", sync: func(_ plugin.FeedRequest, emit func(*plugin.IntelBatch) error) (plugin.FeedState, error) {
		return plugin.FeedState{}, emit(&plugin.IntelBatch{EPSS: []plugin.EPSS{{CVE: "CVE-2021-1111"}}})
	}}
	_, err := New(m, []plugin.Feed{epss}, Config{}).SyncNow(t.Context(), nil)
	if !errors.Is(err, m.fail) || len(m.records) != 0 {
		t.Errorf("%v, %v", err, m.records)
	}
}

func TestPanicIsAFailure(t *testing.T) {
	bad := &feed{name: "bad", sync: func(plugin.FeedRequest, func(*plugin.IntelBatch) error) (plugin.FeedState, error) { panic("oops") }}
	got, err := New(newMemory(), []plugin.Feed{bad}, Config{}).SyncNow(t.Context(), nil)
	if err != nil || !strings.Contains(got[0].Error, "oops") {
		t.Errorf("%+v %v", got, err)
	}
}

// TestFirstComponents: a feed that had nothing to fetch, because the estate had
// no components yet, is asked again as soon as there are some.
func TestFirstComponents(t *testing.T) {
	now, ecosystems := start, []string(nil)
	osv := &feed{name: "osv", sync: func(req plugin.FeedRequest, _ func(*plugin.IntelBatch) error) (plugin.FeedState, error) {
		state := plugin.FeedState{}
		for _, e := range req.Ecosystems {
			if state.Parts == nil {
				state.Parts = map[string]plugin.FeedState{}
			}
			state.Parts[e] = plugin.FeedState{Records: 1}
			state.Records++
		}
		return state, nil
	}}
	in := New(newMemory(), []plugin.Feed{osv}, Config{
		MaxAge: 24 * time.Hour, Now: func() time.Time { return now },
		Ecosystems: func(context.Context) ([]string, error) { return ecosystems, nil },
	})
	for _, step := range []struct {
		after time.Duration
		have  []string
		asked int
	}{
		{0, nil, 1},
		{time.Minute, []string{"npm"}, 2},
		{time.Minute, []string{"npm"}, 2},
		{2 * time.Hour, []string{"npm", "Go"}, 3},
		{time.Minute, []string{"npm", "Go"}, 3},
	} {
		now, ecosystems = now.Add(step.after), step.have
		if _, err := in.Sync(t.Context(), nil); err != nil || len(osv.asked) != step.asked {
			t.Errorf("with %v: asked %d times, want %d (%v)", step.have, len(osv.asked), step.asked, err)
		}
	}
}

func TestUnknownName(t *testing.T) {
	if _, err := New(newMemory(), nil, Config{}).SyncNow(t.Context(), nil, "nvd"); gyre.ErrorCode(err) != gyre.NotFound {
		t.Error(err)
	}
}
