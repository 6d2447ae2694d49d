// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"time"

	"github.com/gyre-ctem/gyre"
)

// The bodies of requests and answers that are not words of the vocabulary.

// Overview is the estate at a glance.
type Overview struct {
	Tally      gyre.Tally        `json:"tally" doc:"The estate now"`
	Previous   *gyre.Tally       `json:"previous,omitempty" doc:"The estate before the latest cycle"`
	Cycle      *gyre.Cycle       `json:"cycle,omitempty" doc:"The latest cycle, whatever its state"`
	Cycles     []CyclePoint      `json:"cycles" doc:"Cycles that ended, oldest first"`
	Changes    Changes           `json:"changes" doc:"What the latest cycle changed"`
	TopActions []gyre.Action     `json:"top_actions" doc:"Open actions that remove most risk"`
	Feeds      []gyre.FeedStatus `json:"feeds"`
	Freshness  time.Time         `json:"freshness,omitzero" doc:"When the estate was looked at last"`
	AsOf       time.Time         `json:"as_of,omitzero" doc:"Tally and cycles are how they were then, with today's knowledge of who is who"`
}

// CyclePoint is one cycle in a trend.
type CyclePoint struct {
	ID        gyre.ID   `json:"id"`
	Number    int       `json:"number"`
	Ended     time.Time `json:"ended"`
	Risk      float64   `json:"risk"`
	Exposures int       `json:"exposures"`
}

// Changes counts exposures that came and went.
type Changes struct {
	Created  int `json:"created"`
	Closed   int `json:"closed"`
	Reopened int `json:"reopened"`
}

// ExposurePage is one page of exposures.
type ExposurePage struct {
	Items []gyre.ExposureRow `json:"items"`
	gyre.ListInfo
}

// ExposureDetail is all there is to know of one exposure.
type ExposureDetail struct {
	AsOf         time.Time          `json:"as_of,omitzero" doc:"It is how it was then, with today's knowledge of who is who"`
	Exposure     gyre.Exposure      `json:"exposure"`
	Asset        gyre.Asset         `json:"asset"`
	Weakness     gyre.Weakness      `json:"weakness"`
	Intel        gyre.Intel         `json:"intel"`
	Score        gyre.Score         `json:"score"`
	Observations []gyre.Observation `json:"observations"`
	Events       []gyre.Event       `json:"events" doc:"Newest first, at most 200"`
	Verdicts     []gyre.Verdict     `json:"verdicts" doc:"Newest first"`
	Action       *gyre.Action       `json:"action,omitempty"`
	Exception    *gyre.Exception    `json:"exception,omitempty"`
	Runbook      []string           `json:"runbook" doc:"How changes are made in the scopes of its asset, filled in"`
}

// ExposureChange moves exposures, named by id or by a filter, to a state.
type ExposureChange struct {
	IDs    []gyre.ID  `json:"ids,omitempty" maxItems:"10000"`
	Filter string     `json:"filter,omitempty" maxLength:"4096" doc:"CEL; every exposure that matches. Either this or ids"`
	State  gyre.State `json:"state" doc:"open, triaged, in_remediation, fix_claimed, accepted or false_positive"`
	Reason string     `json:"reason,omitempty" maxLength:"2000" doc:"Required for accepted and false_positive"`
	Ends   time.Time  `json:"ends,omitzero" doc:"When accepted and false_positive end; 90 days when left out, a year at most"`
}

// ChangeResult is what a change of exposures did.
type ChangeResult struct {
	Change  gyre.ID     `json:"change" doc:"POST /changes/{change}/undo takes it back"`
	Changed int         `json:"changed"`
	Skipped []gyre.Skip `json:"skipped" doc:"Exposures that were left as they are, and why"`
}

// AssetPage is one page of assets.
type AssetPage struct {
	Items []gyre.AssetRow `json:"items"`
	gyre.ListInfo
}

// AssetDetail is all there is to know of one asset.
type AssetDetail struct {
	AsOf       time.Time      `json:"as_of,omitzero" doc:"It is how it was then; facts, relations and components are not kept"`
	Asset      gyre.Asset     `json:"asset"`
	Scopes     []ScopeName    `json:"scopes"`
	Facts      []FactRow      `json:"facts"`
	Exposures  AssetExposures `json:"exposures"`
	Relations  []RelationRow  `json:"relations"`
	Components int            `json:"components" doc:"How many there are"`
}

// ScopeName is a scope as others refer to it.
type ScopeName struct {
	ID   gyre.ID `json:"id"`
	Name string  `json:"name"`
}

// AssetExposures sums up the active exposures of an asset.
type AssetExposures struct {
	Count   int       `json:"count"`
	Risk    float64   `json:"risk"`
	MaxBand gyre.Band `json:"max_band,omitempty"`
}

// FactRow is something that was seen at a place of an asset.
type FactRow struct {
	Aspect       gyre.Aspect    `json:"aspect"`
	Locus        string         `json:"locus"`
	Credentialed bool           `json:"credentialed"`
	Data         map[string]any `json:"data"`
}

// RelationRow is an edge between two assets.
type RelationRow struct {
	From     gyre.AssetName    `json:"from"`
	To       gyre.AssetName    `json:"to"`
	Type     gyre.RelationType `json:"type"`
	LastSeen time.Time         `json:"last_seen"`
}

// ComponentPage is one page of the software on an asset.
type ComponentPage struct {
	Items []gyre.Component `json:"items"`
	Total int              `json:"total"`
	Next  string           `json:"next,omitempty"`
}

// ActionList is a list of actions.
type ActionList struct {
	Items []gyre.Action `json:"items"`
	Total int           `json:"total"`
	AsOf  time.Time     `json:"as_of,omitzero" doc:"They are how they were then, but for their steps"`
}

// ActionDetail is an action with what it removes.
type ActionDetail struct {
	AsOf      time.Time          `json:"as_of,omitzero" doc:"It is how it was then, but for its steps"`
	Action    gyre.Action        `json:"action"`
	Exposures []gyre.ExposureRow `json:"exposures" doc:"At most 1,000, by risk"`
	Runbook   []string           `json:"runbook" doc:"How changes are made in the scopes of its assets, filled in"`
}

// CycleList is a list of cycles.
type CycleList struct {
	Items []gyre.Cycle `json:"items"`
}

// CycleDetail is a cycle with its runs.
type CycleDetail struct {
	Cycle gyre.Cycle `json:"cycle"`
	Runs  []gyre.Run `json:"runs"`
}

// CycleInput starts a cycle.
type CycleInput struct {
	Scopes []gyre.ID `json:"scopes,omitempty" maxItems:"1000" doc:"Empty: every scope"`
}

// CycleDiff is what changed from the end of one cycle to the end of another.
type CycleDiff struct {
	Risk     RiskChange         `json:"risk"`
	Created  []gyre.ExposureRow `json:"created"`
	Closed   []gyre.ExposureRow `json:"closed"`
	Reopened []gyre.ExposureRow `json:"reopened"`
	More     bool               `json:"more,omitempty" doc:"A list was cut off at 1,000 rows"`
}

// RiskChange is the risk of the estate at two moments, in points.
type RiskChange struct {
	From float64 `json:"from"`
	To   float64 `json:"to"`
}

// ScopeList is a list of scopes.
type ScopeList struct {
	Items []gyre.Scope `json:"items"`
}

// ScopeInput is a scope without what the server gives it.
type ScopeInput gyre.Scope

// RunList is one page of runs, newest first.
type RunList struct {
	Items []gyre.Run `json:"items"`
	Next  string     `json:"next,omitempty"`
}

// ImportList is one page of imports, newest first.
type ImportList struct {
	Items []gyre.Upload `json:"items"`
	Next  string        `json:"next,omitempty"`
}

// ImportDetail is an import with its run.
type ImportDetail struct {
	gyre.Upload
	Result *gyre.Run `json:"result,omitempty" doc:"The run that stores it, with what judging brought"`
}

// FeedList is how the feeds stand.
type FeedList struct {
	Items []gyre.FeedStatus `json:"items"`
}

// FeedSync asks for feeds to be fetched.
type FeedSync struct {
	Name string `json:"name,omitempty" maxLength:"80" doc:"Empty: every feed"`
}

// FilterList is a list of saved filters.
type FilterList struct {
	Items []gyre.SavedFilter `json:"items"`
}

// FilterInput is a filter to save.
type FilterInput struct {
	Name   string `json:"name" minLength:"1" maxLength:"120"`
	For    string `json:"for,omitempty" enum:"exposures,assets" doc:"exposures when left out"`
	Filter string `json:"filter" minLength:"1" maxLength:"4096"`
}

// Examinations is what gyre doctor found.
type Examinations struct {
	Checks []Examination `json:"checks"`
}

// Examination is one check of the installation.
type Examination struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail" doc:"What was found, and what to do about it"`
}

// Version is what runs here.
type Version struct {
	Version string `json:"version"`
	Go      string `json:"go"`
}

// EstateChange tells that something in the estate changed.
type EstateChange struct {
	Seq int64 `json:"seq" doc:"Number of the newest event"`
}

// Ping keeps the stream of events open.
type Ping struct {
	At time.Time `json:"at"`
}
