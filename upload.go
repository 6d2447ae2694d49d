// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package gyre

import "time"

// UploadState is how far an upload is. It moves on only:
//
//	receiving → waiting → checking → storing → judging → planning → done
//
// An upload that is refused is failed, with nothing stored; a person can cancel
// it until it is being stored.
type UploadState string

// The states.
const (
	UploadReceiving UploadState = "receiving" // its content is arriving
	UploadWaiting   UploadState = "waiting"   // for a worker
	UploadChecking  UploadState = "checking"  // everything is parsed and validated, nothing is stored
	UploadStoring   UploadState = "storing"   // batch by batch; rolls forward whatever happens
	UploadJudging   UploadState = "judging"   // checks and advisories are held against what it brought
	UploadPlanning  UploadState = "planning"  // actions are drawn up anew
	UploadDone      UploadState = "done"
	UploadFailed    UploadState = "failed"
	UploadCancelled UploadState = "cancelled"
)

// Ended says that nothing more will happen to an upload by itself.
func (s UploadState) Ended() bool {
	return s == UploadDone || s == UploadFailed || s == UploadCancelled
}

// Upload is a report that was handed in, and its import.
type Upload struct {
	ID        ID          `json:"id"`
	Workspace ID          `json:"-"`
	Name      string      `json:"name"`
	Size      int64       `json:"size" doc:"Bytes, as they came"`
	Digest    string      `json:"digest,omitempty" doc:"SHA-256 of the content"`
	Format    string      `json:"format,omitempty" doc:"Importer; detected when none was named"`
	Zone      Zone        `json:"zone,omitempty"`
	Asset     string      `json:"asset,omitempty"`
	Address   string      `json:"address,omitempty"`
	Looked    time.Time   `json:"looked,omitzero" doc:"When the tool looked, as the report itself says"`
	State     UploadState `json:"state"`
	// Done of Total: bytes while receiving and checking, batches while storing.
	Done    int64     `json:"done"`
	Total   int64     `json:"total" doc:"0: not known yet"`
	Batches int       `json:"batches,omitempty" doc:"What the content comes to"`
	Stored  int       `json:"stored,omitempty" doc:"Batches that are in the estate"`
	Run     ID        `json:"run,omitempty" doc:"The run that stores it"`
	Judged  ID        `json:"judged,omitempty" doc:"The run that judged it"`
	Counts  RunCounts `json:"counts" doc:"What it brought and changed, judging included"`
	Error   string    `json:"error,omitempty" doc:"Why it failed, or why it stands still"`
	Code    Code      `json:"code,omitempty" doc:"What kind of error it is"`
	Field   string    `json:"field,omitempty" doc:"Place of the error in the report"`
	Actor   string    `json:"actor"`
	Created time.Time `json:"created"`
	Ended   time.Time `json:"ended,omitzero"`
	// Duplicate: this answer is about an import that was there already.
	Duplicate bool `json:"duplicate,omitempty" doc:"The same content with the same parameters was handed in before; this is that import"`

	// Fence is the number of the worker that has the upload: every write for it
	// names it, so that one which was taken for dead cannot write beside its successor.
	Fence int64 `json:"-"`
	// Parser is the importer and its version, which made the batches.
	Parser string `json:"-"`
	// Stage are the counts of the run alone, without those of judging.
	Stage RunCounts `json:"-"`
	// Key is the idempotency key that it came with, hashed.
	Key string `json:"-"`
}

// Err is why an upload failed, as the error that it was; nil for none.
func (u Upload) Err() error {
	if u.Error == "" {
		return nil
	}
	return &Error{Code: u.Code, Field: u.Field, Message: u.Error}
}

// ErrUploadTaken ends the work of somebody who no longer has an upload: it was
// cancelled, or another worker has taken it over.
var ErrUploadTaken error = &Error{Code: Conflict, Message: "the import was cancelled, or another worker has taken it over"}

// UploadStep moves an upload on in the transaction that did what it tells of.
// A step by somebody who no longer has the upload is ErrUploadTaken.
type UploadStep struct {
	Upload   ID
	Fence    int64
	From, To UploadState
	Run      ID // 0: as it is
	Judged   ID // 0: as it is
	Stored   int
	Counts   RunCounts
	Stage    RunCounts
}

// UploadPreview is what an import would do.
type UploadPreview struct {
	Name     string          `json:"name"`
	Format   string          `json:"format"`
	Looked   time.Time       `json:"looked,omitzero" doc:"When the tool looked, as the report itself says"`
	Status   RunStatus       `json:"status" doc:"How the run would end; only one that succeeds closes"`
	Counts   RunCounts       `json:"counts"`
	Changes  []PreviewChange `json:"changes" doc:"Kinds of change, with examples"`
	Problems []Problem       `json:"problems,omitempty"`
	Limits   []string        `json:"limits,omitempty"`
}

// PreviewChange is one kind of change that an import would make.
type PreviewChange struct {
	Object   string   `json:"object" doc:"asset, exposure or weakness"`
	Kind     string   `json:"kind" doc:"created, merged, updated, closed, reopened …"`
	Count    int      `json:"count"`
	Examples []string `json:"examples" doc:"Names of the first few"`
}
