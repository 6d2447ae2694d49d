// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package job

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"time"

	"github.com/riverqueue/river/rivertype"

	"github.com/gyre-ctem/gyre"
)

// Kind is a kind of work.
type Kind struct {
	Name     string
	Attempts int           // times that it may fail; then it is a dead letter
	Timeout  time.Duration // of one attempt; 0: none
	Parallel int           // at most so many at once in one process that serves
	Waiting  int           // at most so many of a workspace may wait; more are refused
	Once     Once
	Zoned    bool // may be bound to a network zone
	Follows  bool // is the rest of other work: a command does not end before it is done
	// Work does the job. What it returns is stored as JSON before the job is done.
	Work func(ctx context.Context, t *Task) (result any, err error)
	// Dropped is told of a job that was cancelled before anybody began it.
	Dropped func(ctx context.Context, j gyre.Job) error
}

// Once says which other jobs of the same kind and name stand for a new one.
type Once int

const (
	Each         Once = iota // none: every request is a job of its own
	WhileWaiting             // one that has not begun; a running one may have missed what the new one is for
	WhileAlive               // one that waits or runs
)

// Why a job's context ended; see context.Cause.
var (
	ErrCancelled = errors.New("cancelled by a person")
	ErrStopping  = errors.New("the process is shutting down")
)

// envelope is what River keeps of a job.
type envelope struct {
	kind      string
	Workspace gyre.ID         `json:"workspace"`
	Args      json.RawMessage `json:"args"`
}

// Kind implements river.JobArgs.
func (e envelope) Kind() string { return e.kind }

// Decode reads a job's arguments.
func Decode[T any](t *Task) (args T, err error) {
	if err := json.Unmarshal(t.args, &args); err != nil {
		return args, gyre.Errorf(gyre.Invalid, "arguments of job %s: %w", t.ID, err)
	}
	return args, nil
}

// later is the error of work that wants to be begun again after a while.
type later struct{ wait time.Duration }

func (l later) Error() string { return fmt.Sprintf("to be tried again in %v", l.wait) }

// Later ends an attempt that could not begin yet; it does not count as one.
func Later(wait time.Duration) error { return later{wait} }

// permanent says that trying again will not help.
func permanent(err error) bool {
	switch gyre.ErrorCode(err) {
	case gyre.Invalid, gyre.NotFound, gyre.Forbidden, gyre.Unauthorized, gyre.TooLarge:
		return true
	}
	return false
}

// Waits between attempts.
const (
	firstRetry = 2 * time.Second
	lastRetry  = 10 * time.Minute
)

// backOff is the wait after so many failures: it doubles, and is off by up to a
// quarter, so that what failed together does not come back together.
func backOff(failures int) time.Duration {
	wait := firstRetry
	for range max(failures-1, 0) {
		if wait *= 2; wait >= lastRetry {
			wait = lastRetry
			break
		}
	}
	return time.Duration(float64(wait) * (0.75 + 0.5*rand.Float64())) // #nosec G404 -- no secret
}

// localQueue begins the names of queues that only one process works: a command
// that runs without a server does its own work and nobody else's.
const localQueue = "local-"

var plainZone = regexp.MustCompile(`\A[a-z0-9]+([_-][a-z0-9]+)*\z`)

// zoneQueue is the queue of work that is bound to a zone.
func zoneQueue(kind string, zone gyre.Zone) string {
	if plainZone.MatchString(string(zone)) {
		return kind + "-zone-" + string(zone)
	}
	sum := sha256.Sum256([]byte(zone))
	return kind + "-zone_" + hex.EncodeToString(sum[:8])
}

// stateOf translates River's states.
func stateOf(s rivertype.JobState) gyre.JobState {
	switch s {
	case rivertype.JobStateRunning:
		return gyre.JobRunning
	case rivertype.JobStateScheduled:
		return gyre.JobScheduled
	case rivertype.JobStateRetryable:
		return gyre.JobRetrying
	case rivertype.JobStateCompleted:
		return gyre.JobDone
	case rivertype.JobStateDiscarded:
		return gyre.JobFailed
	case rivertype.JobStateCancelled:
		return gyre.JobCancelled
	}
	return gyre.JobWaiting
}

// riverStates is the other way round.
func riverStates(states []gyre.JobState) []string {
	var out []string
	for _, want := range states {
		for _, s := range rivertype.JobStates() {
			if stateOf(s) == want {
				out = append(out, string(s))
			}
		}
	}
	return out
}
