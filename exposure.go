// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package gyre

import "time"

// State is where an exposure stands in its life.
//
//	open ─► triaged ─► in_remediation ─► fix_claimed ─► fixed
//	beside it: accepted · false_positive · mitigated
//
// StateFixed is reached by evidence only (a Verdict or a covering Run), never by a person.
type State string

// The states.
const (
	StateOpen          State = "open"
	StateTriaged       State = "triaged"
	StateInRemediation State = "in_remediation"
	StateFixClaimed    State = "fix_claimed"
	StateFixed         State = "fixed"
	StateAccepted      State = "accepted"
	StateFalsePositive State = "false_positive"
	StateMitigated     State = "mitigated"
)

// States lists every state in display order.
var States = []State{
	StateOpen, StateTriaged, StateInRemediation, StateFixClaimed,
	StateFixed, StateAccepted, StateFalsePositive, StateMitigated,
}

// Active says whether the exposure's risk counts: it is there and nobody has
// accepted it, proven it away or called it false.
func (s State) Active() bool {
	switch s {
	case StateOpen, StateTriaged, StateInRemediation, StateFixClaimed:
		return true
	}
	return false
}

// SetByPerson says whether a person may move an exposure from s to the state
// to. Fixed and mitigated need evidence; leaving fixed needs a new sighting.
func (s State) SetByPerson(to State) bool {
	if s == to || s == StateFixed {
		return false
	}
	switch to {
	case StateOpen, StateTriaged, StateInRemediation, StateFixClaimed, StateAccepted, StateFalsePositive:
		return true
	}
	return false
}

// Exposure is a weakness at a place. (Asset, Weakness, Place) is unique in a workspace.
//
// Place is what makes the place the same one whoever saw it and wherever its line
// has moved (internal/locus). Locus is where that is today, in the normal form of its aspect:
//
//	tcp/8443              a port
//	tcp/8443/admin        a path on a web server at that port
//	/var/lib/dpkg/status#openssl      a package in a file
//	/etc/ssh/sshd_config  a file; with ":14" a line
//	dns/MX, user/svc-backup, …        a record, a principal
type Exposure struct {
	ID           ID        `json:"id"`
	Workspace    ID        `json:"-"`
	Asset        ID        `json:"asset"`
	Weakness     ID        `json:"weakness"`
	Locus        string    `json:"locus"`
	Place        string    `json:"-"`
	Aspect       Aspect    `json:"aspect" doc:"The kind of fact it was seen in; a run must cover this to close it"`
	Class        Class     `json:"class"`
	Severity     Severity  `json:"severity"`
	State        State     `json:"state"`
	StateSince   time.Time `json:"state_since"`
	Credentialed bool      `json:"credentialed" doc:"Seen with credentials, so only a run with credentials can show it gone"`
	Remedy       Remedy    `json:"remedy"`
	FirstSeen    time.Time `json:"first_seen"`
	LastSeen     time.Time `json:"last_seen"`
	FixedAt      time.Time `json:"fixed_at,omitzero"`
}

// Remedy says what would remove one exposure at its place.
type Remedy struct {
	Kind      RemedyKind `json:"kind,omitempty"`
	Ecosystem string     `json:"ecosystem,omitempty"`
	Package   string     `json:"package,omitempty"`
	Current   string     `json:"current,omitempty" doc:"Version that is there"`
	Fixed     string     `json:"fixed,omitempty" doc:"Lowest version without the weakness; empty: none is published"`
	Location  string     `json:"location,omitempty" doc:"File that says so"`
	Check     string     `json:"check,omitempty" doc:"Check whose remediation applies"`
	Text      string     `json:"text,omitempty" doc:"What the reporting tool recommends, when it is all there is"`
}

// RemedyKind is the kind of a Remedy.
type RemedyKind string

// The remedy kinds.
const (
	RemedyUpgrade RemedyKind = "upgrade" // Package to Fixed
	RemedyChange  RemedyKind = "change"  // the configuration change that Check describes
	RemedyText    RemedyKind = "text"
)

// Evidence is what a source saw, kept so that a person can judge it. Data is
// small (at most 16 KiB as JSON; ingest truncates) and never holds a secret's value.
type Evidence struct {
	Summary string         `json:"summary"`
	Data    map[string]any `json:"data,omitempty"`
}

// Observation is one source's sighting of an exposure in one run.
type Observation struct {
	ID       ID        `json:"id"`
	Exposure ID        `json:"exposure"`
	Run      ID        `json:"run"`
	Source   string    `json:"source" doc:"Plug-in that saw it"`
	Seen     bool      `json:"seen" doc:"False: a covering run that did not see it"`
	At       time.Time `json:"at"`
	Evidence Evidence  `json:"evidence"`
	// The source's own words, which the exposure may differ from.
	Weakness string   `json:"weakness,omitempty" doc:"What the source calls the weakness"`
	Locus    string   `json:"locus,omitempty" doc:"Where the source says that it lies"`
	Severity Severity `json:"severity" doc:"What the source rates it"`
}

// Word is a source's latest word on an exposure that it has once seen.
type Word struct {
	Seen bool
	At   time.Time
}

// Event is one change of one object: who or which run, when, from what to
// what, and why. Seq ascends within a workspace without gaps that a reader can
// observe; the projection follows it.
type Event struct {
	Seq     int64     `json:"seq"`
	At      time.Time `json:"at"`
	Object  string    `json:"object" doc:"exposure, asset, action, scope …"`
	ID      ID        `json:"id"`
	Kind    string    `json:"kind" doc:"created, state, seen_again, band, owner …"`
	From    string    `json:"from,omitempty"`
	To      string    `json:"to,omitempty"`
	Actor   string    `json:"actor" doc:"account name, or run:ID, or system"`
	Run     ID        `json:"run,omitempty"`
	Reason  string    `json:"reason,omitempty"`
	Details string    `json:"details,omitempty" doc:"JSON of what explains it: evidence, score inputs"`
	Changes string    `json:"changes,omitempty" doc:"JSON of every field that changed: {field: [before, after]}"`
}
