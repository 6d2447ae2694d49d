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
