// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"context"
	"time"

	"github.com/gyre-ctem/gyre"
)

// InTx runs fn in one write transaction of a workspace. Writers of a workspace
// take turns, so what fn reads is what it changes.
type InTx func(ctx context.Context, ws gyre.ID, fn func(Tx) error) error

// Tx is what ingest needs of a transaction: sets in, sets out. internal/store
// implements it. Refs of facts and coverage are gyre.RefID.
type Tx interface {
	Append(gyre.Event)
	// Events are those of the transaction so far.
	Events() []gyre.Event
	// Seq is the number of the workspace's newest event: once the transaction is
	// committed, with its own.
	Seq() int64
	// By says who is behind what the store finds changed and nobody appends an event for.
	By(actor string, run gyre.ID)
	SaveRun(ctx context.Context, r gyre.Run) error
	Run(ctx context.Context, id gyre.ID) (gyre.Run, error)

	// Of runs that can be taken up again: how far the upload is, which this run
	// imports or judges, and the assets behind the refs of the run.
	StepUpload(ctx context.Context, s gyre.UploadStep) error
	SaveRefs(ctx context.Context, run gyre.ID, refs []gyre.Ref, assets []gyre.ID, sighted []bool) error
	EachRef(ctx context.Context, run gyre.ID, fn func(ref gyre.Ref, asset gyre.ID, sighted bool)) error
	DropRefs(ctx context.Context, run gyre.ID) error

	AssetsByIdentifier(ctx context.Context, family string, ids []gyre.Identifier) (map[gyre.Identifier]gyre.ID, error)
	Assets(ctx context.Context, ids []gyre.ID) ([]gyre.Asset, error)
	SaveAssets(ctx context.Context, all []gyre.Asset) error
	TouchAssets(ctx context.Context, ids []gyre.ID, seen time.Time) error
	SaveIdentifiers(ctx context.Context, family string, ids []gyre.Identifier, owners []gyre.ID, seen time.Time) error
	// MergeAsset moves everything of m.From to m.Into, which it turned out to be. It tells of it.
	MergeAsset(ctx context.Context, m gyre.Merge) error
	// SplitAsset gives claims to another asset, with what only they support.
	SplitAsset(ctx context.Context, s gyre.Split) error
	// MergedInto says what has become of assets that are gone.
	MergedInto(ctx context.Context, ids []gyre.ID) (map[gyre.ID]gyre.ID, error)
	// AssetMergesSince lists the merges after one that others than a run made and that
	// stand, and those of the run itself that were undone; AssetMergesOf its own that stand.
	AssetMergesSince(ctx context.Context, after, run gyre.ID) ([]gyre.Merge, error)
	AssetMergesOf(ctx context.Context, after, run gyre.ID) ([]gyre.Merge, error)

	// FindClaims finds the claims of a source by digest, without identifiers.
	FindClaims(ctx context.Context, source string, digests []string) ([]gyre.Claim, error)
	ClaimsSharing(ctx context.Context, family string, ids []gyre.Identifier) ([]gyre.ID, error)
	// Claims reads those of ids, and all of the assets.
	Claims(ctx context.Context, ids, assets []gyre.ID) ([]gyre.Claim, error)
	SaveClaims(ctx context.Context, all []gyre.Claim) error
	TouchClaims(ctx context.Context, ids []gyre.ID, seen time.Time) error
	SetContested(ctx context.Context, ids []gyre.ID, contested bool) error
	RulesOf(ctx context.Context, claims []gyre.ID) ([]gyre.IdentityRule, error)
	SaveReviews(ctx context.Context, all []gyre.Review) error
	SettleReviews(ctx context.Context, claims []gyre.ID, except map[gyre.ID]bool) error
	// NoteRun notes that a run of a scope touched assets and returns those new to the scope.
	NoteRun(ctx context.Context, run, scope gyre.ID, assets []gyre.ID) ([]gyre.ID, error)

	SaveRelations(ctx context.Context, all []gyre.Relation) error
	SaveComponents(ctx context.Context, source string, all []gyre.Component) error
	SaveFacts(ctx context.Context, source string, all []gyre.Fact, seen time.Time) error
	AddCoverage(ctx context.Context, run gyre.ID, all []gyre.Coverage) error

	WeaknessesByAlias(ctx context.Context, aliases []string) (map[string]gyre.ID, error)
	Weaknesses(ctx context.Context, ids []gyre.ID) ([]gyre.Weakness, error)
	SaveWeaknesses(ctx context.Context, all []gyre.Weakness) error
	// KeptWeaknesses finds weaknesses by their own key; into says into which some were merged.
	KeptWeaknesses(ctx context.Context, keys []string) (all []gyre.Weakness, into map[gyre.ID]gyre.ID, err error)
	// SetNames says which weaknesses names are of; 0 takes a name away.
	SetNames(ctx context.Context, of map[string]gyre.ID) error

	// What is said of names: all of it; what reports said; and what a report adds.
	Ties(ctx context.Context, names []string) ([]gyre.Tie, error)
	ReportTies(ctx context.Context, names []string) (map[string][]string, error)
	AddTies(ctx context.Context, all []gyre.Tie) error
	// CorrelationRules are what persons say of names.
	CorrelationRules(ctx context.Context) ([]gyre.CorrelationRule, error)
	AddCorrelationRule(ctx context.Context, r gyre.CorrelationRule) error
	RemoveCorrelationRule(ctx context.Context, id gyre.ID) error
	// PendingNames are those that advisories speak of in another way than they did.
	PendingNames(ctx context.Context, limit int) ([]string, error)
	DonePending(ctx context.Context, names []string) error

	// MergeWeakness makes two weaknesses one, with their exposures; UnmergeWeakness
	// takes that back. MoveNamed gives another weakness what sources called by some names.
	MergeWeakness(ctx context.Context, m gyre.Merge) error
	UnmergeWeakness(ctx context.Context, id gyre.ID, actor string) error
	HasNamed(ctx context.Context, weakness gyre.ID, names []string) (bool, error)
	MoveNamed(ctx context.Context, m gyre.Merge, names []string) error

	// FindExposures finds those at (assets[i], weaknesses[i], places[i]).
	FindExposures(ctx context.Context, assets, weaknesses []gyre.ID, places []string) ([]gyre.Exposure, error)
	// ExposuresOfPairs finds those of (assets[i], weaknesses[i]) at any place.
	ExposuresOfPairs(ctx context.Context, assets, weaknesses []gyre.ID) ([]gyre.Exposure, error)
	ExposuresOfWeakness(ctx context.Context, weakness gyre.ID) ([]gyre.Exposure, error)
	// MergeExposure makes two exposures one, as MergeWeakness does.
	MergeExposure(ctx context.Context, m gyre.Merge) error
	// LociOf says where a source last said that exposures lie.
	LociOf(ctx context.Context, source string, exposures []gyre.ID) (map[gyre.ID]string, error)
	// AddExposures stores new ones, SaveExposures such as are known. actions are theirs, 0 for
	// those that the plan is to find; nil is all of them.
	AddExposures(ctx context.Context, all []gyre.Exposure, actions []gyre.ID) error
	SaveExposures(ctx context.Context, all []gyre.Exposure) error
	TouchExposures(ctx context.Context, ids []gyre.ID, seen time.Time) error
	// SourcesOf says who has ever seen each exposure, with the latest word of each.
	SourcesOf(ctx context.Context, exposures []gyre.ID) (map[gyre.ID]map[string]gyre.Word, error)
	// AddObservations stores the first ones of new exposures. evidence is theirs as JSON,
	// where it is known already; else nil.
	AddObservations(ctx context.Context, all []gyre.Observation, evidence []string) error
	SaveObservations(ctx context.Context, all []gyre.Observation, evidence []string) error

	// ActionsOfKeys finds the actions with the keys, and makes those that are missing.
	ActionsOfKeys(ctx context.Context, keys []string) (map[string]gyre.ID, error)

	// LaterRuns lists the runs that succeeded, began after a run did and covered
	// something of the assets that it touched; the earliest first.
	LaterRuns(ctx context.Context, run gyre.Run) ([]gyre.Run, error)
	// What a run covered by asset, aspect and credentials, and did not see since it
	// started; with another run, only on the assets that this one touched.
	EachUnseenFact(ctx context.Context, run gyre.Run, of gyre.ID, fn func(gyre.Fact, gyre.Coverage) error) error
	DeleteFacts(ctx context.Context, source string, facts []gyre.Fact) error
	EachUnseenComponent(ctx context.Context, run gyre.Run, of gyre.ID, fn func(gyre.Component, gyre.Coverage) error) error
	DeleteComponents(ctx context.Context, ids []gyre.ID) error
	// known: the run's source has seen the exposure once.
	EachUnseenExposure(ctx context.Context, run gyre.Run, of gyre.ID, fn func(e gyre.Exposure, c gyre.Coverage, known bool) error) error
	CloseExposures(ctx context.Context, all []gyre.Exposure, details []string, e gyre.Event, when time.Time) error
}
