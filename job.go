// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package gyre

import "time"

// JobState is how a job stands.
type JobState string

// The job states. Failed is the dead letter: it was tried as often as its kind
// allows and waits for a person to look at it and run it again.
const (
	JobWaiting   JobState = "waiting"
	JobScheduled JobState = "scheduled" // waits for its time
	JobRetrying  JobState = "retrying"  // failed, and waits for its next attempt
	JobRunning   JobState = "running"
	JobDone      JobState = "done"
	JobFailed    JobState = "failed"
	JobCancelled JobState = "cancelled"
)

// JobStates lists the states in the order of a job's life.
var JobStates = []JobState{JobWaiting, JobScheduled, JobRetrying, JobRunning, JobDone, JobFailed, JobCancelled}

// Ended says that a job does nothing more by itself.
func (s JobState) Ended() bool { return s == JobDone || s == JobFailed || s == JobCancelled }

// Job is one piece of work that some process does, now or later.
type Job struct {
	ID        ID         `json:"id"`
	Workspace ID         `json:"-"`
	Kind      string     `json:"kind" doc:"cycle, discover, retest, import, sync, match or score"`
	State     JobState   `json:"state"`
	Queue     string     `json:"queue" doc:"Which workers may take it"`
	Zone      Zone       `json:"zone,omitempty" doc:"The network zone that it is bound to"`
	Name      string     `json:"name,omitempty" doc:"What it is about; jobs of one kind and name do not run twice at once"`
	Actor     string     `json:"actor" doc:"Who or what asked for it"`
	Object    ID         `json:"object,omitempty" doc:"The cycle, run or exposure that it works on"`
	Attempt   int        `json:"attempt" doc:"Times that it was begun"`
	Attempts  int        `json:"attempts" doc:"Times that it may fail before it is a dead letter"`
	Rescued   int        `json:"rescued,omitempty" doc:"Times that the process that worked it disappeared"`
	Worker    ID         `json:"worker,omitempty" doc:"The process that works it, or did last"`
	Created   time.Time  `json:"created"`
	Next      time.Time  `json:"next,omitzero" doc:"When it will be tried, for one that waits"`
	Started   time.Time  `json:"started,omitzero" doc:"When the latest attempt began"`
	Ended     time.Time  `json:"ended,omitzero"`
	Done      int        `json:"done" doc:"Units of work done"`
	Total     int        `json:"total" doc:"Units of work known; 0: not known"`
	Note      string     `json:"note,omitempty" doc:"What it does now, or did, in words"`
	Errors    []JobError `json:"errors,omitempty" doc:"Why attempts failed, oldest first"`
}

// JobError says why one attempt of a job failed.
type JobError struct {
	At      time.Time `json:"at"`
	Attempt int       `json:"attempt"`
	Text    string    `json:"text"`
}

// JobInput asks for a job.
type JobInput struct {
	Kind     string `json:"kind" enum:"cycle,retest,sync,match,score"`
	Scopes   []ID   `json:"scopes,omitempty" maxItems:"1000" doc:"Of a cycle; empty: every scope"`
	Exposure ID     `json:"exposure,omitempty" doc:"Of a retest"`
	Feed     string `json:"feed,omitempty" maxLength:"60" doc:"Of a sync; empty: every feed"`
}

// Worker is a process that shares the database: one that works jobs, or a
// server that works none.
type Worker struct {
	ID      ID        `json:"id"`
	Host    string    `json:"host"`
	PID     int       `json:"pid"`
	Version string    `json:"version"`
	Queues  []string  `json:"queues" doc:"What it takes jobs from; none: it works no jobs"`
	Zones   []Zone    `json:"zones,omitempty" doc:"Network zones whose work is done nowhere else"`
	Started time.Time `json:"started"`
	Seen    time.Time `json:"seen"`
}

// ScheduleInput is a schedule without what the server gives it.
type ScheduleInput struct {
	Name   string `json:"name" minLength:"1" maxLength:"80"`
	Kind   string `json:"kind" enum:"cycle,sync" doc:"What is done: a cycle, or fetching feeds"`
	When   string `json:"when" minLength:"2" maxLength:"120" doc:"A span such as 6h, or five cron fields (minute hour day month weekday) in UTC"`
	Scopes []ID   `json:"scopes,omitempty" maxItems:"1000" doc:"Of a cycle; empty: every scope"`
	Feed   string `json:"feed,omitempty" maxLength:"60" doc:"Of a sync; empty: every feed"`
	Paused bool   `json:"paused,omitempty"`
}

// SchedulePatch changes some fields of a schedule.
type SchedulePatch struct {
	Name   *string `json:"name,omitempty" minLength:"1" maxLength:"80"`
	When   *string `json:"when,omitempty" minLength:"2" maxLength:"120"`
	Paused *bool   `json:"paused,omitempty"`
}

// Schedule asks for a job again and again.
type Schedule struct {
	ID        ID        `json:"id"`
	Workspace ID        `json:"-"`
	Name      string    `json:"name" minLength:"1" maxLength:"80"`
	Kind      string    `json:"kind" enum:"cycle,sync" doc:"What is done: a cycle, or fetching feeds"`
	When      string    `json:"when" minLength:"2" maxLength:"120" doc:"A span such as 6h, or five cron fields (minute hour day month weekday) in UTC"`
	Scopes    []ID      `json:"scopes,omitempty" doc:"Of a cycle; empty: every scope"`
	Feed      string    `json:"feed,omitempty" maxLength:"60" doc:"Of a sync; empty: every feed"`
	Paused    bool      `json:"paused,omitempty"`
	Next      time.Time `json:"next,omitzero" doc:"When it is due; nothing while it is paused"`
	Last      time.Time `json:"last,omitzero" doc:"When it was due last"`
	LastJob   ID        `json:"last_job,omitempty"`
	Problem   string    `json:"problem,omitempty" doc:"Why the last time brought no job"`
	Created   time.Time `json:"created"`
	Actor     string    `json:"actor"`
}
