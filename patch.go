// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package gyre

import "time"

// AssetPatch is what a person sets on an asset; nil leaves a field alone.
type AssetPatch struct {
	Criticality *Criticality `json:"criticality,omitempty" minimum:"0" maximum:"4" doc:"1 low to 4 crown jewel; 0 takes it back to not said"`
	Owner       *string      `json:"owner,omitempty" maxLength:"200"`
	Tags        *[]string    `json:"tags,omitempty" maxItems:"100" doc:"Replaces all tags"`
}

// ActionPatch is what a person sets on an action; nil leaves a field alone.
type ActionPatch struct {
	State *ActionState `json:"state,omitempty" doc:"open, in_progress, done or dismissed; verified needs evidence"`
	Owner *string      `json:"owner,omitempty" maxLength:"200"`
	Due   *time.Time   `json:"due,omitempty" doc:"The zero time takes the date back"`
}
