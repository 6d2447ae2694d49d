// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package osv is the feed of OSV advisories (https://google.github.io/osv.dev/data/),
// one archive for each ecosystem: BASE/Debian/all.zip.
//
// From a URL it fetches the ecosystems that it is asked for. From a folder it
// reads each ecosystem that is there, from all.zip or from single *.json files.
//
// plugins/all registers it; nobody else imports it. Invariants: one record at a
// time is in memory; a record that cannot be read is skipped and counted; an
// ecosystem that fails does not stop the others; an archive cannot make it read
// more than a bounded amount, whatever its directory claims.
package osv

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
)

const (
	maxArchive  = 4 << 30
	maxRecord   = 16 << 20
	maxExpanded = 32 << 30
	maxRecords  = 3_000_000
	batchSize   = 500
	batchBytes  = 8 << 20
)

// Feed reads advisories.
type Feed struct{}

// New returns the feed.
func New() Feed { return Feed{} }

// Info describes the feed.
func (Feed) Info() plugin.Info {
	return plugin.Info{
		Name: "osv", Title: "OSV advisories", Version: "1",
		Description: "Which versions of which packages have which vulnerabilities, and where they are fixed.",
		Without:     "which installed packages have known vulnerabilities: components are listed but not held against advisories",
	}
}

// DefaultURL is OSV's public bucket.
func (Feed) DefaultURL() string { return "https://osv-vulnerabilities.storage.googleapis.com" }

// Sync reads what changed. An error tells which ecosystems failed; the state
// that comes with it holds the others.
func (Feed) Sync(ctx context.Context, req plugin.FeedRequest, emit plugin.EmitIntel) (plugin.FeedState, error) {
	names, err := ecosystems(req)
	if err != nil {
		return plugin.FeedState{}, err
	}
	state := plugin.FeedState{NotModified: true, Parts: map[string]plugin.FeedState{}}
	var failures []error
	for i, name := range names {
		if req.Progress != nil {
			req.Progress(i, len(names), "OSV "+name)
		}
		last := req.Last.Parts[name]
		part, err := syncEcosystem(ctx, req, name, last, emit)
		if ctx.Err() != nil {
			return state, ctx.Err()
		}
		if err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", name, err))
			part = last // what it brought before is still stored
			part.NotModified = true
			if gyre.ErrorCode(err) == gyre.Unavailable && !isFolder(req.Base) {
				keepRest(&state, req.Last.Parts, names[i:])
				return state, fmt.Errorf("%w (%d ecosystems were not fetched)", err, len(names)-i)
			}
			if part.Records == 0 {
				continue
			}
		}
		state.NotModified = state.NotModified && part.NotModified
		state.Records += part.Records
		state.Skipped += part.Skipped
		if part.Date.After(state.Date) {
			state.Date = part.Date
		}
		state.Parts[name] = part
	}
	return state, errors.Join(failures...)
}

// keepRest carries over what is known of the ecosystems that are not reached.
func keepRest(state *plugin.FeedState, last map[string]plugin.FeedState, names []string) {
	for _, name := range names {
		if part := last[name]; part.Records > 0 {
			state.Parts[name] = part
			state.Records += part.Records
		}
	}
}

func isFolder(base string) bool { return filepath.IsAbs(base) }

// ecosystems lists the parts to read, in order of name.
func ecosystems(req plugin.FeedRequest) ([]string, error) {
	var names []string
	if isFolder(req.Base) {
		entries, err := os.ReadDir(req.Base)
		if err != nil {
			return nil, gyre.Errorf(gyre.Unavailable, "list feed folder: %w", err)
		}
		for _, e := range entries {
			if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
				names = append(names, e.Name())
			}
		}
		return names, nil
	}
	for _, e := range req.Ecosystems {
		base, _, _ := strings.Cut(e, ":")
		if base != "" && !strings.ContainsAny(base, "/\\") && base != ".." {
			names = append(names, base)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

func syncEcosystem(ctx context.Context, req plugin.FeedRequest, name string, last plugin.FeedState, emit plugin.EmitIntel) (plugin.FeedState, error) {
	doc, err := req.Fetch(ctx, name+"/all.zip", last, maxArchive)
	if isFolder(req.Base) && gyre.ErrorCode(err) == gyre.NotFound {
		return readFolder(ctx, filepath.Join(req.Base, name), last, emit)
	}
	if err != nil {
		return plugin.FeedState{}, err
	}
	if doc == nil {
		last.NotModified = true
		return last, nil
	}
	defer func() { _ = doc.Close() }()
	out := sink{ctx: ctx, emit: emit, state: doc.State}
	if err := readArchive(doc, doc.Size, &out); err != nil {
		return plugin.FeedState{}, err
	}
	return out.end()
}

func readArchive(r io.ReaderAt, size int64, out *sink) error {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return gyre.FieldErrorf(gyre.Invalid, "all.zip", "is not a zip archive: %v", err)
	}
	if len(z.File) > maxRecords {
		return gyre.FieldErrorf(gyre.TooLarge, "all.zip", "has %d files, more than %d", len(z.File), maxRecords)
	}
	for _, f := range z.File {
		if err := out.ctx.Err(); err != nil {
			return err
		}
		if f.FileInfo().IsDir() || !strings.HasSuffix(f.Name, ".json") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			out.state.Skipped++
			continue
		}
		err = out.read(r)
		_ = r.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// readFolder reads single records; the folder is unchanged when its newest
// file, the number of files and their size are.
func readFolder(ctx context.Context, folder string, last plugin.FeedState, emit plugin.EmitIntel) (plugin.FeedState, error) {
	names, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(names) == 0 {
		return plugin.FeedState{}, gyre.Errorf(gyre.NotFound, "%s holds neither all.zip nor *.json", folder)
	}
	var newest time.Time
	var bytes int64
	for _, n := range names {
		if info, err := os.Stat(n); err == nil {
			bytes += info.Size()
			if info.ModTime().After(newest) {
				newest = info.ModTime()
			}
		}
	}
	modified := fmt.Sprintf("%s %d %d", newest.UTC().Format(time.RFC3339Nano), len(names), bytes)
	if modified == last.Modified {
		last.NotModified = true
		return last, nil
	}
	out := sink{ctx: ctx, emit: emit, state: plugin.FeedState{Modified: modified}}
	for _, n := range names {
		f, err := os.Open(n) // #nosec G304 -- the operator chose the folder
		if err != nil {
			out.state.Skipped++
			continue
		}
		err = out.read(f)
		_ = f.Close()
		if err != nil {
			return plugin.FeedState{}, err
		}
	}
	return out.end()
}

// sink turns files into batches of records.
type sink struct {
	ctx   context.Context
	emit  plugin.EmitIntel
	state plugin.FeedState
	batch []plugin.Advisory
	held  int
	total int64
}

// read takes one record. Only what must stop the sync is an error.
func (s *sink) read(r io.Reader) error {
	b, err := io.ReadAll(io.LimitReader(r, maxRecord+1))
	if s.total += int64(len(b)); s.total > maxExpanded {
		return gyre.FieldErrorf(gyre.TooLarge, "all.zip", "expands to more than %d bytes", int64(maxExpanded))
	}
	var head struct {
		ID       string `json:"id"`
		Modified string `json:"modified"`
	}
	if err != nil || len(b) > maxRecord || json.Unmarshal(b, &head) != nil || head.ID == "" {
		s.state.Skipped++
		return nil
	}
	if t, err := time.Parse(time.RFC3339Nano, head.Modified); err == nil && t.After(s.state.Date) {
		s.state.Date = t.UTC()
	}
	s.state.Records++
	s.batch = append(s.batch, plugin.Advisory{ID: head.ID, OSV: b})
	if s.held += len(b); len(s.batch) < batchSize && s.held < batchBytes {
		return nil
	}
	return s.flush()
}

func (s *sink) flush() error {
	if len(s.batch) == 0 {
		return nil
	}
	full := s.batch
	s.batch, s.held = nil, 0
	return s.emit(s.ctx, &plugin.IntelBatch{Advisories: full})
}

func (s *sink) end() (plugin.FeedState, error) {
	if err := s.flush(); err != nil {
		return plugin.FeedState{}, err
	}
	if s.state.Records == 0 {
		return plugin.FeedState{}, gyre.FieldErrorf(gyre.Invalid, "all.zip", "no advisory could be read")
	}
	return s.state, nil
}
