// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package gyre

import "time"

// Merge says that one object turned out to be another: two assets, or two
// weaknesses, are one. What the one had went over to the other; a journal holds
// what that changed, so that it can be undone, once. See docs/identity.md.
type Merge struct {
	ID        ID        `json:"id"`
	Workspace ID        `json:"-"`
	At        time.Time `json:"at"`
	Object    string    `json:"object" doc:"asset or weakness"`
	From      ID        `json:"from" doc:"The one that is gone"`
	Into      ID        `json:"into" doc:"The one that stays"`
	FromName  string    `json:"from_name"`
	IntoName  string    `json:"into_name"`
	Reason    string    `json:"reason" doc:"Which identifiers, and who said them"`
	Actor     string    `json:"actor" doc:"account name, or run:ID, or system"`
	Run       ID        `json:"run,omitempty"`
	Undone    time.Time `json:"undone,omitzero"`
	UndoneBy  string    `json:"undone_by,omitempty"`
}

// The objects of merges.
const (
	MergedAsset    = "asset"
	MergedWeakness = "weakness"
)

// Exactness orders remedies by how exactly they say what to do; 0 is nothing.
func (r Remedy) Exactness() int {
	switch {
	case r.Kind == RemedyUpgrade && r.Fixed != "":
		return 4
	case r.Kind == RemedyChange:
		return 3
	case r.Kind == RemedyUpgrade:
		return 2
	case r.Kind == RemedyText:
		return 1
	}
	return 0
}

// Claim is what one source said of an asset: these identifiers are of one thing,
// seen from then to then. Who is who is worked out from all claims.
type Claim struct {
	ID          ID           `json:"id"`
	Asset       ID           `json:"-"`
	Family      string       `json:"-"`
	Source      string       `json:"source"`
	Digest      string       `json:"-"` // of family and identifiers
	Identifiers []Identifier `json:"identifiers"`
	FirstSeen   time.Time    `json:"first_seen"`
	LastSeen    time.Time    `json:"last_seen"`
	Contested   bool         `json:"contested,omitempty" doc:"What it holds was another asset's at another time, so seeing it again is thought through again"`
}

// IdentityRule is what a person has ruled of claims: those of both sides are of
// one asset, or those of one side are not of that of the other.
type IdentityRule struct {
	ID     ID        `json:"id"`
	Kind   string    `json:"kind" doc:"same or apart"`
	At     time.Time `json:"at"`
	Actor  string    `json:"actor"`
	Reason string    `json:"reason"`
	Sides  [2][]ID   `json:"-"` // claims
}

// The kinds of rules.
const (
	RuleSame  = "same"
	RuleApart = "apart"
)

// Split says that claims turned out to be of another asset than the one that
// they were given to, and takes along what only they support.
type Split struct {
	Merge            // From is the asset that they leave, Into the one that they are of
	Claims []ID      // what moves
	Source []string  // sources that nobody on From speaks for any more
	Since  time.Time // only what was seen since moves; zero is everything
}

// Review is a claim that could be of several assets. Until a person answers it
// is an asset of its own.
type Review struct {
	ID         ID                `json:"id"`
	Workspace  ID                `json:"-"`
	Claim      ID                `json:"-"`
	Asset      ID                `json:"asset" doc:"What it is for now"`
	AssetName  string            `json:"asset_name"`
	Created    time.Time         `json:"created"`
	Updated    time.Time         `json:"updated"`
	State      string            `json:"state" doc:"open, answered, or moot: something learned since has settled it"`
	Candidates []ReviewCandidate `json:"candidates" doc:"The likeliest first"`
	Suggestion ID                `json:"suggestion,omitempty" doc:"The candidate that it probably is"`
	Why        string            `json:"why"`
	Answer     string            `json:"answer,omitempty" doc:"same or different"`
	Chosen     ID                `json:"chosen,omitempty"`
	Actor      string            `json:"actor,omitempty"`
	Merge      ID                `json:"merge,omitempty" doc:"The merge that the answer made"`
}

// The states of a review, and its answers.
const (
	ReviewOpen     = "open"
	ReviewAnswered = "answered"
	ReviewMoot     = "moot"

	AnswerSame      = "same"
	AnswerDifferent = "different"
)

// ReviewCandidate is an asset that a claim could be of.
type ReviewCandidate struct {
	Asset  ID        `json:"asset"`
	Name   string    `json:"name"`
	Shared int       `json:"shared" doc:"Identifiers that they share"`
	Last   time.Time `json:"last" doc:"When the identifier in question was last seen on it"`
}

// MergePreview says what merging two assets would do.
type MergePreview struct {
	From       AssetName `json:"from"`
	Into       AssetName `json:"into"`
	Same       int       `json:"same" doc:"Exposures that both have and that become one"`
	Moved      int       `json:"moved" doc:"Exposures that move"`
	Components int       `json:"components"`
	Facts      int       `json:"facts"`
	Conflicts  []string  `json:"conflicts,omitempty" doc:"What speaks against it"`
}

// AssetIdentity says why an asset is one.
type AssetIdentity struct {
	Claims []Claim        `json:"claims" doc:"Who said what of it, from when to when"`
	Rules  []IdentityRule `json:"rules" doc:"What persons have ruled of these claims"`
	Merges []Merge        `json:"merges" doc:"What was merged into it, or taken from it, newest first"`
}
