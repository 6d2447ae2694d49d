// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"context"
	"io"
	"time"

	"github.com/gyre-ctem/gyre"
)

// What follows is what the handlers need of the rest of Gyre. Each is small so
// that internal/app can hand over whatever implements it; the store implements
// most of them. An object that does not exist in the workspace is gyre.NotFound.

// Lists answers lists and totals; the projection.
type Lists interface {
	Exposures(ctx context.Context, ws gyre.ID, q gyre.ListQuery) ([]gyre.ExposureRow, gyre.ListInfo, error)
	Assets(ctx context.Context, ws gyre.ID, q gyre.ListQuery) ([]gyre.AssetRow, gyre.ListInfo, error)
	// ExposureIDs lists at most limit ids of exposures that a filter matches.
	ExposureIDs(ctx context.Context, ws gyre.ID, filter string, limit int) ([]gyre.ID, error)
	// ExposureRows and AssetRows return the rows of ids, in their order, without those that are unknown.
	ExposureRows(ctx context.Context, ws gyre.ID, ids []gyre.ID) ([]gyre.ExposureRow, error)
	AssetRows(ctx context.Context, ws gyre.ID, ids []gyre.ID) ([]gyre.AssetRow, error)
	Tally(ctx context.Context, ws gyre.ID) (gyre.Tally, error)
	// Lag is how many events the projection is behind the store.
	Lag(ctx context.Context, ws gyre.ID) (int64, error)
}

// Score explains the risk of one exposure.
type Score func(ctx context.Context, ws, exposure gyre.ID) (gyre.Score, error)

// Exposures reads and moves single exposures.
type Exposures interface {
	Exposure(ctx context.Context, ws, id gyre.ID) (gyre.Exposure, error)
	Weakness(ctx context.Context, ws, id gyre.ID) (gyre.Weakness, error)
	IntelOf(ctx context.Context, w gyre.Weakness) (gyre.Intel, error)
	Observations(ctx context.Context, ws, exposure gyre.ID) ([]gyre.Observation, error)
	EventsOf(ctx context.Context, ws, object gyre.ID, limit int) ([]gyre.Event, error) // newest first
	Verdicts(ctx context.Context, ws, exposure gyre.ID) ([]gyre.Verdict, error)        // newest first
	Exception(ctx context.Context, ws, exposure gyre.ID) (gyre.Exception, error)
	ActionOf(ctx context.Context, ws, exposure gyre.ID) (gyre.ID, error) // 0 for none
	// SetStates moves exposures where State.SetByPerson allows it, in one
	// transaction, and keeps what they were; the others are in Change.Skipped.
	SetStates(ctx context.Context, ws gyre.ID, ids []gyre.ID, to gyre.State, actor, reason string, ends time.Time) (gyre.Change, error)
	// UndoChange puts back those exposures whose state is still what the change
	// made it. It is gyre.Conflict when the change was undone before.
	UndoChange(ctx context.Context, ws, change gyre.ID, actor string) (gyre.Change, error)
}

// Correlation says why sightings are one, and keeps the rules of persons on it.
type Correlation interface {
	// Ties lists what reports and advisories say of names of weaknesses.
	Ties(ctx context.Context, ws gyre.ID, names []string) ([]gyre.Tie, error)
	// MergesOf lists the merges that an asset, a weakness or an exposure has been in, newest first.
	MergesOf(ctx context.Context, ws, object gyre.ID) ([]gyre.Merge, error)
	CorrelationRules(ctx context.Context, ws gyre.ID) ([]gyre.CorrelationRule, error)
	// AddCorrelationRule stores a rule and applies it; with try it only says what that would do.
	AddCorrelationRule(ctx context.Context, ws gyre.ID, r gyre.CorrelationRule, try bool) (gyre.CorrelationEffect, error)
	// RemoveCorrelationRule ends a rule and takes apart what it had made one.
	RemoveCorrelationRule(ctx context.Context, ws, id gyre.ID, by string, try bool) (gyre.CorrelationEffect, error)
}

// Assets reads and changes single assets.
type Assets interface {
	Asset(ctx context.Context, ws, id gyre.ID) (gyre.Asset, error)
	Assets(ctx context.Context, ws gyre.ID, ids []gyre.ID) ([]gyre.Asset, error)
	Facts(ctx context.Context, ws, asset gyre.ID) ([]gyre.Fact, error)
	Relations(ctx context.Context, ws, asset gyre.ID) ([]gyre.Relation, error)
	Components(ctx context.Context, ws, asset, after gyre.ID, limit int) ([]gyre.Component, error)
	CountComponents(ctx context.Context, ws, asset gyre.ID) (int, error)
	ScopesOfAssets(ctx context.Context, ws gyre.ID, assets []gyre.ID) (map[gyre.ID][]gyre.ID, error)
	PatchAsset(ctx context.Context, ws, id gyre.ID, actor string, p gyre.AssetPatch) (gyre.Asset, error)
}

// Identities reads and changes who is who.
type Identities interface {
	// Merges lists merges before an ID, newest first; 0 begins with the newest.
	Merges(ctx context.Context, ws, before gyre.ID, limit int) ([]gyre.Merge, error)
	MergesOf(ctx context.Context, ws, object gyre.ID) ([]gyre.Merge, error)
	// UndoMerge is gyre.Conflict when it was undone before, or a later merge builds on it.
	UndoMerge(ctx context.Context, ws, merge gyre.ID, actor string) (gyre.Merge, error)
	PreviewMerge(ctx context.Context, ws, from, into gyre.ID) (gyre.MergePreview, error)
	MergeAssets(ctx context.Context, ws, from, into gyre.ID, actor, reason string) (gyre.Merge, error)
	Identity(ctx context.Context, ws, asset gyre.ID) (gyre.AssetIdentity, error)
	// Reviews lists reviews after an ID, oldest first; state empty is every state.
	Reviews(ctx context.Context, ws gyre.ID, state string, after gyre.ID, limit int) ([]gyre.Review, error)
	AnswerReview(ctx context.Context, ws, review gyre.ID, answer string, chosen gyre.ID, actor string) (gyre.Review, error)
	ReopenReview(ctx context.Context, ws, review gyre.ID, actor string) (gyre.Review, error)
}

// Actions reads and changes actions.
type Actions interface {
	// Actions lists actions by the risk that they remove; states empty is every state.
	Actions(ctx context.Context, ws gyre.ID, states []gyre.ActionState, limit int) ([]gyre.Action, error)
	Action(ctx context.Context, ws, id gyre.ID) (gyre.Action, error)
	ExposuresOfAction(ctx context.Context, ws, action gyre.ID) ([]gyre.Exposure, error)
	PatchAction(ctx context.Context, ws, id gyre.ID, actor string, p gyre.ActionPatch) (gyre.Action, error)
}

// History reads cycles, runs and the event log.
type History interface {
	Cycles(ctx context.Context, ws gyre.ID, limit int) ([]gyre.Cycle, error) // newest first
	Cycle(ctx context.Context, ws, id gyre.ID) (gyre.Cycle, error)
	RunsOfCycle(ctx context.Context, ws, cycle gyre.ID) ([]gyre.Run, error)
	Runs(ctx context.Context, ws, before gyre.ID, limit int) ([]gyre.Run, error) // newest first
	Run(ctx context.Context, ws, id gyre.ID) (gyre.Run, error)
	// EventsBetween lists events of one kind of object in a span of microseconds, after seq, in order.
	EventsBetween(ctx context.Context, ws gyre.ID, object string, from, to, after int64, limit int) ([]gyre.Event, error)
	Seq(ctx context.Context, ws gyre.ID) (int64, error)
	// Subscribe tells of new events; numbers that nobody took are replaced by newer ones.
	Subscribe(ws gyre.ID) (<-chan int64, func())
}

// Scopes keeps scopes.
type Scopes interface {
	Scopes(ctx context.Context, ws gyre.ID) ([]gyre.Scope, error)
	Scope(ctx context.Context, ws, id gyre.ID) (gyre.Scope, error)
	CreateScope(ctx context.Context, ws gyre.ID, actor string, s gyre.Scope) (gyre.Scope, error)
	UpdateScope(ctx context.Context, ws gyre.ID, actor string, s gyre.Scope) (gyre.Scope, error)
	DeleteScope(ctx context.Context, ws, id gyre.ID, actor string) error
}

// Filters keeps saved filters.
type Filters interface {
	Filters(ctx context.Context, ws gyre.ID) ([]gyre.SavedFilter, error)
	CreateFilter(ctx context.Context, ws gyre.ID, f gyre.SavedFilter) (gyre.SavedFilter, error)
	DeleteFilter(ctx context.Context, ws, id gyre.ID) error
}

// Replies keeps what writes with an idempotency key answered.
type Replies interface {
	// ClaimReply returns nil when the key is new and now belongs to the caller,
	// who must end with SaveReply or DropReply; else what is stored.
	ClaimReply(ctx context.Context, ws gyre.ID, key, request string) (*gyre.StoredReply, error)
	SaveReply(ctx context.Context, ws gyre.ID, key string, status int, body []byte) error
	DropReply(ctx context.Context, ws gyre.ID, key string) error
}

// Workspaces reads workspaces.
type Workspaces interface {
	Workspace(ctx context.Context, ws gyre.ID) (gyre.Workspace, error)
	Ping(ctx context.Context) error
}

// Cycles turns the loop.
type Cycles interface {
	Start(ctx context.Context, ws gyre.ID, scopes []gyre.ID, trigger string) (gyre.Cycle, error)
	Resume(ctx context.Context, ws, id gyre.ID) (gyre.Cycle, error)
	Cancel(ctx context.Context, ws, id gyre.ID) error
	// Watch tells of progress: a cycle is sent each time it changed, at most a
	// few times a second; older ones that nobody took are replaced. Cancel ends it.
	Watch(ws gyre.ID) (<-chan gyre.Cycle, func())
}

// Validator looks at the place of one exposure again.
type Validator interface {
	Validate(ctx context.Context, ws, exposure gyre.ID, by string) (gyre.Verdict, error)
}

// Imports takes reports of other tools in.
type Imports interface {
	// Receive keeps a report and hands it to a worker; or it returns the import that
	// the report was before.
	Receive(ctx context.Context, ws gyre.ID, in Import) (Received, error)
	// Wait returns an import when it has ended.
	Wait(ctx context.Context, ws, id gyre.ID) (gyre.Upload, error)
	// Preview says what importing a report would do.
	Preview(ctx context.Context, ws gyre.ID, in Import) (gyre.UploadPreview, error)
	Cancel(ctx context.Context, ws, id gyre.ID, actor string) (gyre.Upload, error)
	Retry(ctx context.Context, ws, id gyre.ID, actor string) (gyre.Upload, error)
}

// Uploads reads imports.
type Uploads interface {
	Upload(ctx context.Context, ws, id gyre.ID) (gyre.Upload, error)
	Uploads(ctx context.Context, ws, before gyre.ID, limit int) ([]gyre.Upload, error) // newest first
}

// Import is one uploaded report. Body is limited in size.
type Import struct {
	Name, Format, Asset, Address string
	Zone                         gyre.Zone
	By                           string
	Key                          string // hashed idempotency key
	Again                        bool
	Size                         int64 // -1: not known
	Body                         io.Reader
}

// Received is what became of an uploaded report. Replayed: its key was used
// before, and this is what came of that.
type Received struct {
	gyre.Upload
	Replayed bool
}

// Jobs keeps the queue of jobs.
type Jobs interface {
	// List lists jobs in the given states and of the given kind, newest first; none of either is all.
	List(ctx context.Context, ws gyre.ID, states []gyre.JobState, kind string, before gyre.ID, limit int) ([]gyre.Job, error)
	Get(ctx context.Context, ws, id gyre.ID) (gyre.Job, error)
	// Add asks for a job. It is gyre.Unavailable when too many wait already.
	Add(ctx context.Context, ws gyre.ID, in gyre.JobInput, actor string) (gyre.Job, error)
	// Cancel and Retry are gyre.Conflict when the job is not in a state that allows it.
	Cancel(ctx context.Context, ws, id gyre.ID) (gyre.Job, error)
	Retry(ctx context.Context, ws, id gyre.ID) (gyre.Job, error)
	Workers(ctx context.Context) ([]gyre.Worker, error)
}

// Schedules keeps what is asked for again and again.
type Schedules interface {
	Schedules(ctx context.Context, ws gyre.ID) ([]gyre.Schedule, error)
	Schedule(ctx context.Context, ws, id gyre.ID) (gyre.Schedule, error)
	Create(ctx context.Context, ws gyre.ID, in gyre.ScheduleInput, actor string) (gyre.Schedule, error)
	Patch(ctx context.Context, ws, id gyre.ID, p gyre.SchedulePatch) (gyre.Schedule, error)
	Delete(ctx context.Context, ws, id gyre.ID) error
}

// Feeds keeps threat intelligence current.
type Feeds interface {
	Feeds(ctx context.Context) ([]gyre.FeedStatus, error)
	// SyncFeeds fetches the named feed, or all when name is empty; failures of
	// single feeds are in their status.
	SyncFeeds(ctx context.Context, name string) ([]gyre.FeedStatus, error)
}

// Doctor checks the installation.
type Doctor interface {
	Examine(ctx context.Context, ws gyre.ID) []Examination
}

// Gauges are numbers of the estate and of the process for /metrics.
type Gauges interface {
	Gauges(ctx context.Context) ([]Gauge, error)
}

// Gauge is one number with its labels.
type Gauge struct {
	Name, Help string
	Labels     map[string]string
	Value      float64
}
