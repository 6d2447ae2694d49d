// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package gyre

import "time"

// ActionState is where an action stands.
type ActionState string

// The action states. ActionVerified is reached when every exposure is closed by evidence.
const (
	ActionOpen       ActionState = "open"
	ActionInProgress ActionState = "in_progress"
	ActionDone       ActionState = "done" // claimed by a person, waits for evidence
	ActionVerified   ActionState = "verified"
	ActionDismissed  ActionState = "dismissed"
)

// Action is one thing a person does that removes exposures. Key is stable
// across cycles ("upgrade/Debian/openssl", "change/tls.certificate-expired"), so state,
// owner and due date stay with it.
type Action struct {
	ID          ID          `json:"id"`
	Workspace   ID          `json:"-"`
	Key         string      `json:"key"`
	Title       string      `json:"title"`
	State       ActionState `json:"state"`
	Owner       string      `json:"owner,omitempty"`
	Due         time.Time   `json:"due,omitzero"`
	Steps       []Step      `json:"steps"`
	Exposures   int         `json:"exposures" doc:"Active exposures that it removes"`
	Assets      int         `json:"assets"`
	RiskRemoved float64     `json:"risk_removed" doc:"Points of risk that go when it is done"`
	Created     time.Time   `json:"created"`
	Updated     time.Time   `json:"updated"`
}

// Step is what to do on one platform: text, and the exact commands or configuration.
type Step struct {
	Platform string   `json:"platform" doc:"Debian, npm, nginx … or any"`
	Text     string   `json:"text"`
	Commands []string `json:"commands,omitempty"`
	Config   string   `json:"config,omitempty"`
	Assets   []string `json:"assets,omitempty" doc:"Names of the assets that this step is for"`
}

// Exception is accepted risk or a false positive. It ends; then the exposure is open again.
type Exception struct {
	ID       ID        `json:"id"`
	Exposure ID        `json:"exposure"`
	State    State     `json:"state" doc:"accepted or false_positive"`
	Reason   string    `json:"reason"`
	By       string    `json:"by"`
	Created  time.Time `json:"created"`
	Ends     time.Time `json:"ends"`
}

// Outcome is what a validation found.
type Outcome string

// The outcomes.
const (
	OutcomeFixed        Outcome = "fixed"        // the place was looked at again; the weakness is not there
	OutcomeStillThere   Outcome = "still_there"  // it is
	OutcomeInconclusive Outcome = "inconclusive" // the place could not be looked at
)

// Verdict is the result of one validation of one exposure.
type Verdict struct {
	ID       ID        `json:"id"`
	Exposure ID        `json:"exposure"`
	Run      ID        `json:"run"`
	Method   string    `json:"method" doc:"retest or inventory"`
	Outcome  Outcome   `json:"outcome"`
	Evidence Evidence  `json:"evidence"`
	By       string    `json:"by"`
	At       time.Time `json:"at"`
}
