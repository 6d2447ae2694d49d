// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package job

import "github.com/gyre-ctem/gyre"

// Freeze makes a process silent, as a suspended machine is, while its jobs go on.
func (q *Queue) Freeze() { q.stop() }

// Self is the name of this process.
func (q *Queue) Self() gyre.ID {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.self.ID
}
