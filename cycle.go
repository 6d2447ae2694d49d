// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package gyre

import "time"

// Stage is one of the five stages of the cycle; measuring closes it.
type Stage string

// The stages, in order. Scope is what a cycle starts from; prioritize and
// remediate follow identify, validate retests what was claimed fixed.
const (
	StageDiscover   Stage = "discover"
	StageIdentify   Stage = "identify"
	StagePrioritize Stage = "prioritize"
	StageRemediate  Stage = "remediate"
	StageValidate   Stage = "validate"
)

// Stages lists the stages in the order in which a cycle runs them.
var Stages = []Stage{StageDiscover, StageIdentify, StagePrioritize, StageRemediate, StageValidate}

// CycleState is how a cycle stands or ended.
type CycleState string

// The cycle states.
const (
	CycleRunning     CycleState = "running"
	CycleFinished    CycleState = "finished"
	CycleFailed      CycleState = "failed"
	CycleCancelled   CycleState = "cancelled"
	CycleInterrupted CycleState = "interrupted" // the process died; can be resumed
)

// Cycle is a dated pass through the stages with what it started with, what it
// ended with, and the difference.
type Cycle struct {
	ID        ID           `json:"id"`
	Workspace ID           `json:"-"`
	Number    int          `json:"number" doc:"1, 2, 3 … in its workspace"`
	State     CycleState   `json:"state"`
	Scopes    []ID         `json:"scopes,omitempty" doc:"Empty: every scope"`
	Trigger   string       `json:"trigger" doc:"Who or what started it"`
	Started   time.Time    `json:"started"`
	Ended     time.Time    `json:"ended,omitzero"`
	Stages    []CycleStage `json:"stages"`
	Before    Tally        `json:"before"`
	After     Tally        `json:"after"`
	Created   int          `json:"created"`
	Reopened  int          `json:"reopened"`
	Closed    int          `json:"closed"`
	Error     string       `json:"error,omitempty"`
}

// CycleStage is one stage of one cycle.
type CycleStage struct {
	Stage   Stage     `json:"stage"`
	State   string    `json:"state" doc:"waiting, running, done, failed or cancelled"`
	Started time.Time `json:"started,omitzero"`
	Ended   time.Time `json:"ended,omitzero"`
	Done    int       `json:"done" doc:"Units of work done"`
	Total   int       `json:"total" doc:"Units of work known; 0: not known yet"`
	Note    string    `json:"note,omitempty" doc:"What it does now, or did, in words"`
}

// Tally is the estate in numbers at one moment. Risk is the sum of the risk of
// active exposures, in points.
type Tally struct {
	Assets    int           `json:"assets"`
	Exposures int           `json:"exposures" doc:"Active ones"`
	Risk      float64       `json:"risk"`
	Bands     map[Band]int  `json:"bands,omitempty"`
	Classes   map[Class]int `json:"classes,omitempty"`
}
