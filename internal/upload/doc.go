// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package upload takes reports in from outside and imports them. A report is
// first kept, in compressed pieces in the database; then it is imported in two passes over
// it: one that checks everything and stores nothing, and, only if that succeeded, one that
// stores batch by batch and rolls forward whatever happens (docs/adr/0009).
//
// Only internal/app imports it. It declares what it needs of the store, of discover
// (parsing), of ingest (checking, storing) and of the stages that follow.
//
// Invariants:
//   - A report that is refused, broken off or cancelled leaves nothing in the estate.
//   - A process may die at any moment: whoever processes the upload next goes on
//     where it was, and the estate comes out as if nothing had happened.
//   - Whoever processes an upload holds its fence; every write names it, so that of
//     two who believe to have the upload only the later one writes.
//   - Memory is bounded by the piece and by a few batches, whatever the report's size.
package upload

import (
	"context"
	"io"
	"log/slog"
	"strconv"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
)

// Store keeps uploads.
type Store interface {
	CreateUpload(ctx context.Context, ws gyre.ID, u gyre.Upload, most int) (_ gyre.Upload, found bool, err error)
	AddChunk(ctx context.Context, ws, upload gyre.ID, seq int, data []byte, received int64) error
	FinishUpload(ctx context.Context, ws, id gyre.ID, size int64, digest, request string, parsers []string, again bool) (gyre.Upload, error)
	DropUpload(ctx context.Context, ws, id gyre.ID) error
	Chunk(ctx context.Context, ws, upload gyre.ID, seq int) ([]byte, error)
	Upload(ctx context.Context, ws, id gyre.ID) (gyre.Upload, error)
	ClaimUpload(ctx context.Context, ws, id gyre.ID) (gyre.Upload, error)
	TouchUpload(ctx context.Context, ws, id gyre.ID, fence, done int64) error
	CheckedUpload(ctx context.Context, u gyre.Upload) error
	StallUpload(ctx context.Context, ws, id gyre.ID, fence int64, why error) error
	EndUpload(ctx context.Context, ws, id gyre.ID, fence int64, to gyre.UploadState, why error) error
	Run(ctx context.Context, ws, id gyre.ID) (gyre.Run, error)
}

// Document is a report on its way through an importer.
type Document struct {
	Name, Format, Asset, Address string
	Zone                         gyre.Zone
	Reader                       io.Reader
	Memory                       *plugin.Memory // of the passes before
}

// Parse runs the importer of a document: the same document is parsed to the same
// batches each time.
type Parse func(ctx context.Context, d Document, progress plugin.Progress, emit plugin.Emit) (plugin.Info, plugin.Report, error)

// Session is one run's way into the estate; internal/ingest provides it.
type Session interface {
	// Prepare does what of Emit can be done while another batch is stored.
	Prepare(b *gyre.Batch) error
	Emit(ctx context.Context, b *gyre.Batch) error
	Finish(ctx context.Context, status gyre.RunStatus, report plugin.Report) (gyre.Run, error)
}

// Checker is emitted to in the checking pass; internal/ingest provides it.
type Checker interface {
	Emit(ctx context.Context, b *gyre.Batch) error
	Batches() int
}

// Stage receives uploads and imports them.
type Stage struct {
	Store Store
	Parse Parse
	// Parsers lists the importers there are, as Upload.Parser names them.
	Parsers []string
	// Checker makes a checker for one report.
	Checker func() Checker
	// Begin stores the run of a claimed upload and moves that on to storing, in one
	// transaction; TakeUp opens the session of a run that another process began.
	Begin  func(ctx context.Context, u gyre.Upload, run gyre.Run) error
	TakeUp func(ctx context.Context, u gyre.Upload) (Session, error)
	// Judge judges what the run brought, as the judging run of the upload.
	Judge func(ctx context.Context, u gyre.Upload, run gyre.Run) error
	// Plan draws up actions anew.
	Plan func(ctx context.Context, ws gyre.ID) error
	// Preview runs fn on the estate as a writer whose work is thrown away.
	Preview func(ctx context.Context, ws gyre.ID, fn func(Trial) error) error
	// Free is how many bytes are free where content goes; nil: nobody knows.
	Free func() (int64, error)

	MaxSize int64 // of one upload
	MaxOpen int   // uploads of a workspace that have not ended
	Reserve int64 // bytes that must stay free
	Log     *slog.Logger
	Now     func() time.Time
}

// Trial is what a preview does instead of an import.
type Trial interface {
	Begin(ctx context.Context, run gyre.Run) (Session, error)
	Judge(ctx context.Context, run gyre.Run) (gyre.Run, error)
	// Changes says what was changed so far.
	Changes(ctx context.Context) ([]gyre.PreviewChange, error)
}

// parserOf names what made the batches of an upload. Another version may make others.
func parserOf(i plugin.Info) string {
	return i.Name + "@" + i.Version + "/" + strconv.Itoa(plugin.BatchSize)
}

// ParserNames lists importers as Upload.Parser names them.
func ParserNames(all []plugin.Importer) []string {
	names := make([]string, len(all))
	for i, imp := range all {
		names[i] = parserOf(imp.Info())
	}
	return names
}
