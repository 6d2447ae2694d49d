// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package intel

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/match"
	"github.com/gyre-ctem/gyre/plugin"
)

// maxKEV bounds what is held until the whole catalogue has been read.
const maxKEV = 500_000

// Config says where feeds come from and when they are old.
type Config struct {
	// Base is a folder or an http(s) URL that holds each feed in a folder of
	// its name, in its official layout. Empty: each feed's official address.
	Base string
	// MaxAge is how old a feed may be before it is fetched again; zero fetches always.
	MaxAge time.Duration
	// Ecosystems returns those that the estate has components of; nil: none is known.
	Ecosystems func(context.Context) ([]string, error)
	// Synced is called after every sync, however it went: what was stored can
	// tie names of weaknesses together. Nil: nobody wants to know.
	Synced func(context.Context) error
	Client *http.Client // nil: a default with time limits
	Now    func() time.Time
	Log    *slog.Logger
}

// Intel runs feeds into a store.
type Intel struct {
	store Store
	feeds []plugin.Feed
	cfg   Config
	busy  sync.Mutex // one sync at a time
}

// New returns an Intel over feeds.
func New(store Store, feeds []plugin.Feed, cfg Config) *Intel {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Intel{store: store, feeds: feeds, cfg: cfg}
}

// base is where a feed is fetched from.
func (in *Intel) base(f plugin.Feed) string {
	if in.cfg.Base == "" {
		return f.DefaultURL()
	}
	return strings.TrimSuffix(in.cfg.Base, "/") + "/" + f.Info().Name
}

// Sync fetches the feeds that are old, all at once. A feed that fails is in its
// status, not an error. The error is about the store, or the context's.
func (in *Intel) Sync(ctx context.Context, progress plugin.Progress) ([]gyre.FeedStatus, error) {
	return in.sync(ctx, progress, false, nil)
}

// SyncNow fetches the named feeds (none: all) whatever their age. An unknown
// name is gyre.NotFound.
func (in *Intel) SyncNow(ctx context.Context, progress plugin.Progress, names ...string) ([]gyre.FeedStatus, error) {
	for _, n := range names {
		if !slices.ContainsFunc(in.feeds, func(f plugin.Feed) bool { return f.Info().Name == n }) {
			return nil, gyre.FieldErrorf(gyre.NotFound, "name", "there is no feed %q", n)
		}
	}
	return in.sync(ctx, progress, true, names)
}

func (in *Intel) sync(ctx context.Context, progress plugin.Progress, force bool, names []string) ([]gyre.FeedStatus, error) {
	in.busy.Lock()
	defer in.busy.Unlock()
	if progress == nil {
		progress = func(int, int, string) {}
	}
	records, err := in.records(ctx)
	if err != nil {
		return nil, err
	}
	ecosystems, err := in.ecosystems(ctx)
	if err != nil {
		return nil, err
	}
	var wg sync.WaitGroup
	failures := make([]error, len(in.feeds))
	for i, f := range in.feeds {
		r := records[f.Info().Name]
		if len(names) > 0 && !slices.Contains(names, r.Name) || !force && !in.old(f, r, ecosystems) {
			continue
		}
		wg.Go(func() { failures[i] = in.one(ctx, f, r, ecosystems, force, progress) })
	}
	wg.Wait()
	if in.cfg.Synced != nil && ctx.Err() == nil {
		failures = append(failures, in.cfg.Synced(ctx))
	}
	if err := errors.Join(failures...); err != nil {
		return nil, err
	}
	return in.Status(ctx)
}

func (in *Intel) records(ctx context.Context) (map[string]FeedRecord, error) {
	list, err := in.store.FeedRecords(ctx)
	if err != nil {
		return nil, fmt.Errorf("read feed records: %w", err)
	}
	m := map[string]FeedRecord{}
	for _, r := range list {
		m[r.Name] = r
	}
	for _, f := range in.feeds {
		r := m[f.Info().Name]
		r.Name = f.Info().Name
		m[r.Name] = r
	}
	return m, nil
}

func (in *Intel) ecosystems(ctx context.Context) ([]string, error) {
	if in.cfg.Ecosystems == nil {
		return nil, nil
	}
	all, err := in.cfg.Ecosystems(ctx)
	if err != nil {
		return nil, fmt.Errorf("list ecosystems of the estate: %w", err)
	}
	var names []string
	for _, e := range all {
		if base := match.KeyOf(e, "").Ecosystem; base != "" {
			names = append(names, base)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

func (in *Intel) old(f plugin.Feed, r FeedRecord, ecosystems []string) bool {
	if r.Base != in.base(f) || r.Synced.IsZero() || r.State.Records == 0 || in.cfg.Now().Sub(r.Synced) >= in.cfg.MaxAge {
		return true
	}
	return r.State.Parts != nil && len(lacking(r, ecosystems)) > 0 && in.cfg.Now().Sub(r.Tried) >= in.cfg.MaxAge/24
}

// one runs a feed and records how it went. Only the store's failure is an error.
func (in *Intel) one(ctx context.Context, f plugin.Feed, r FeedRecord, ecosystems []string, force bool, progress plugin.Progress) error {
	base := in.base(f)
	if r.Base != base {
		r = FeedRecord{Name: r.Name, Base: base} // another place's tags mean nothing here
	}
	last := r.State
	if force && r.Error != "" {
		last = plugin.FeedState{} // after a failure, asked for by a person: read everything again
	}
	w := &writer{store: in.store}
	start := in.cfg.Now()
	state, err := runFeed(ctx, f, plugin.FeedRequest{
		Base: base, Last: last, Ecosystems: ecosystems, Client: in.cfg.Client, Progress: progress, Log: in.cfg.Log.With("feed", r.Name),
	}, w.write)
	if err == nil {
		err = w.finish(ctx)
	}
	if w.failed != nil {
		return w.failed
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	r.Tried, r.Error = start, ""
	if err != nil {
		r.Error = err.Error()
		in.cfg.Log.Warn("feed failed", "feed", r.Name, "base", base, "error", err)
	}
	if err == nil || len(state.Parts) > 0 {
		r.Unchanged = state.NotModified
		r.Skipped = state.Skipped + w.skipped
		r.State = state
		if !state.NotModified {
			in.cfg.Log.Info("feed synced", "feed", r.Name, "records", state.Records, "skipped", r.Skipped, "took", in.cfg.Now().Sub(start))
		}
	}
	if err == nil {
		r.Synced = start
	}
	if err := in.store.PutFeedRecord(ctx, r); err != nil {
		return fmt.Errorf("record sync of feed %q: %w", r.Name, err)
	}
	return nil
}

// runFeed turns a panic of a feed, which parses what strangers wrote, into an error.
func runFeed(ctx context.Context, f plugin.Feed, req plugin.FeedRequest, emit plugin.EmitIntel) (state plugin.FeedState, err error) {
	defer func() {
		if p := recover(); p != nil {
			state, err = plugin.FeedState{}, gyre.Errorf(gyre.Internal, "feed %s panicked: %v", f.Info().Name, p)
		}
	}()
	return f.Sync(ctx, req, emit)
}

// writer puts batches in the store. failed is set when the store refused.
type writer struct {
	store   Store
	mu      sync.Mutex
	kev     []plugin.KEV
	skipped int
	failed  error
}

func (w *writer) write(ctx context.Context, b *plugin.IntelBatch) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.kev)+len(b.KEV) > maxKEV {
		return gyre.Errorf(gyre.TooLarge, "the catalogue has more than %d entries", maxKEV)
	}
	w.kev = append(w.kev, b.KEV...)
	var err error
	if len(b.Advisories) > 0 {
		rows, skipped := Rows(b.Advisories)
		w.skipped += skipped
		err = w.store.UpsertAdvisories(ctx, rows)
	}
	if err == nil && len(b.EPSS) > 0 {
		err = w.store.UpsertEPSS(ctx, b.EPSS)
	}
	if err == nil && len(b.Exploits) > 0 {
		err = w.store.UpsertExploits(ctx, b.Exploits)
	}
	if err != nil {
		w.failed = fmt.Errorf("store intelligence: %w", err)
	}
	return w.failed
}

// finish replaces the catalogue once all of it has arrived.
func (w *writer) finish(ctx context.Context) error {
	if len(w.kev) == 0 {
		return nil
	}
	if err := w.store.ReplaceKEV(ctx, w.kev); err != nil {
		w.failed = fmt.Errorf("store intelligence: %w", err)
	}
	return w.failed
}

// Rows parses advisories into what the store holds. Those that cannot be read
// are counted; maintenance bulletins, which stand for no weakness, are left out.
func Rows(list []plugin.Advisory) (rows []AdvisoryRow, skipped int) {
	for _, raw := range list {
		a, err := match.Parse(raw.OSV)
		if err != nil {
			skipped++
			continue
		}
		keys := a.Keys()
		if len(keys) == 0 {
			continue
		}
		data, err := a.Encode()
		if err != nil {
			skipped++
			continue
		}
		row := AdvisoryRow{
			ID: a.ID, Modified: a.Modified, Withdrawn: !a.Withdrawn.IsZero(),
			Packages: a.Packages(), Keys: keys, Data: data,
		}
		if len(keys) == 1 {
			row.Names = a.Names(a.ID)
		}
		rows = append(rows, row)
	}
	return rows, skipped
}
