// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package plugin holds the contracts of what plugs into Gyre: sources that look
// at the estate, importers that read what other tools saw, feeds that bring
// threat intelligence.
//
// A plug-in lives in plugins/<kind>/<name>, imports the root package, this one
// and its own third-party libraries, and nothing else of Gyre. It is registered
// by name in plugins/all. plugin/plugintest holds the contract suite of each kind.
//
// Rules for every plug-in:
//   - One bad item never fails a run: report it as a gyre.Problem and go on.
//   - Input is untrusted: bound size, depth, count and time.
//   - Stop within two seconds of the context's end and return its error.
//   - Say what could not be looked at (Report.Limits) rather than fail.
package plugin

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	gyre "github.com/gyre-ctem/gyre"
)

// Info describes a plug-in.
type Info struct {
	Name        string // stable, lower case, unique within its kind: "nmap"
	Title       string // for people: "Nmap XML"
	Description string // one sentence
	Version     string // changes when its results change
	Without     string // for a feed: what nobody can know while it was never synced
}

// Emit hands a batch to ingest. It returns an error when the run must stop. It
// takes ownership of the batch. Safe for concurrent use.
type Emit func(ctx context.Context, b *gyre.Batch) error

// Report is what a plug-in says at the end of a run.
type Report struct {
	// Problems are items that failed; any makes the run partial.
	Problems []gyre.Problem
	// Limits say in words what the run could not look at (no permission, no
	// credentials, not supported); they do not make it partial, because its
	// coverage leaves those things out.
	Limits []string
	// Looked is when the tool began to look, as a report itself says; zero when
	// it does not say. What an import saw is dated from it, so that an old report
	// neither brings back what was fixed since nor closes what was seen since.
	Looked time.Time
	// Tool names who made a report of a form that many tools write, where a list
	// stands for all there is. What one tool does not list closes nothing that only
	// another one listed. Empty: any.
	Tool string
}

// Progress tells how far a run is; total 0 is not known yet. Safe for concurrent use.
type Progress func(done, total int, note string)

// A Source looks at the estate itself.
type Source interface {
	Info() Info
	// Accepts says whether the source has anything to do for a target.
	Accepts(t gyre.Target) bool
	// Aspects lists the aspects whose exposures it can retest (Request.Only).
	Aspects() []gyre.Aspect
	// Run looks at one target and emits what it sees, with its coverage.
	// An error means that the run failed as a whole.
	Run(ctx context.Context, req Request, emit Emit) (Report, error)
}

// Request is one target to look at.
type Request struct {
	Scope  gyre.Scope
	Target gyre.Target
	// Guard is the only way to touch anything. Never nil.
	Guard    Guard
	Progress Progress
	Log      *slog.Logger
	// Only, when set, narrows the run to one place: a retest. The source must
	// emit coverage for that place exactly when it demonstrably looked there.
	Only *Place
}

// Place is one place in the estate.
type Place struct {
	Asset  gyre.Asset // with identifiers
	Aspect gyre.Aspect
	Locus  string
}

// Guard lets through only what the scope authorises: targets, exclusions,
// hours, rate, intensity, kill switch. It is the one place where that is
// decided; internal/scope implements it.
type Guard interface {
	// DialContext connects like net.Dialer, or returns a gyre.Forbidden error
	// without sending anything. Host names are resolved first and the address is judged.
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
	// AllowPath returns a gyre.Forbidden error unless the path lies in a root
	// or file target of the scope and in no exclusion.
	AllowPath(path string) error
}

// An Importer reads a report that another tool wrote.
type Importer interface {
	Info() Info
	// Detect says how sure it is that a file is of its format, 0 (no) to 100,
	// from the first at most 64 KiB and the file's name. It must not guess:
	// of two importers the surer one wins, a tie is refused.
	Detect(name string, head []byte) int
	// Import streams the report. Errors in the input are gyre.Invalid or
	// gyre.TooLarge with Field "name:line" or "name:byte offset".
	Import(ctx context.Context, in Input, emit Emit) (Report, error)
}

// Input is a report to import. Reader is limited in size already and not seekable.
type Input struct {
	Name   string
	Reader io.Reader
	// Zone is where addresses in the report live; Asset and Address, when
	// set, are what findings without an asset of their own belong to.
	Zone     gyre.Zone
	Asset    string
	Address  string
	Progress Progress
	Log      *slog.Logger
	// Memory is for a document that is read more than once; nil: nothing is kept.
	Memory *Memory
}

// A Feed brings threat intelligence.
type Feed interface {
	Info() Info
	// DefaultURL is the official address; the base can be overridden per
	// installation, by another URL or by a folder with the same layout.
	DefaultURL() string
	// Sync fetches what is new and emits it. It returns the state to hand to
	// the next Sync.
	Sync(ctx context.Context, req FeedRequest, emit EmitIntel) (FeedState, error)
}

// FeedRequest is where to fetch from and what is known already.
type FeedRequest struct {
	// Base is an http(s) URL or an absolute folder.
	Base string
	Last FeedState
	// Ecosystems are those that the estate has components of, for feeds that
	// are split by ecosystem and whose base cannot list what it holds.
	Ecosystems []string
	Client     *http.Client
	Progress   Progress
	Log        *slog.Logger
}

// FeedState is what a feed needs to know at its next sync.
type FeedState struct {
	// NotModified says that nothing changed since Last; nothing was emitted.
	NotModified bool      `json:"-"`
	ETag        string    `json:"etag,omitempty"`
	Modified    string    `json:"modified,omitempty"` // Last-Modified, or the file's time and size
	Version     string    `json:"version,omitempty"`  // the feed's own
	Date        time.Time `json:"date,omitzero"`      // of its data
	Records     int       `json:"records"`
	// Skipped records could not be read; each is one of the feed's faults.
	Skipped int `json:"skipped,omitempty"`
	// Parts holds the state of each part of a feed that has parts.
	Parts map[string]FeedState `json:"parts,omitempty"`
}

// EmitIntel hands over records in batches of at most a few thousand.
type EmitIntel func(ctx context.Context, b *IntelBatch) error

// IntelBatch is threat intelligence out of one feed.
type IntelBatch struct {
	Advisories []Advisory
	KEV        []KEV
	EPSS       []EPSS
	Exploits   []ExploitRecord
}

// Advisory is one OSV record (OSV schema 1.7), as it came.
type Advisory struct {
	ID  string
	OSV []byte
}

// KEV is one entry of CISA's Known Exploited Vulnerabilities catalogue.
type KEV struct {
	CVE        string
	Added, Due time.Time
	Ransomware bool
	Name       string
	Action     string
}

// EPSS is one FIRST EPSS score.
type EPSS struct {
	CVE        string
	Score      float64
	Percentile float64
	Date       time.Time
}

// ExploitRecord is evidence of a public exploit.
type ExploitRecord struct {
	CVE      string
	Maturity gyre.Exploit
	Source   string
}
