// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package plugin

// Memory is what an importer has learned of a whole document in an earlier
// reading of the same one, by the same process, so that another need not learn it again.
// Whoever reads a document more than once makes one for it and hands it in each time; what
// an importer emits does not depend on it. Not safe for concurrent use. A nil Memory
// keeps nothing.
type Memory struct{ learned any }

// Learned is what the last Learn kept: of a type of the importer's own, or nil.
func (m *Memory) Learned() any {
	if m == nil {
		return nil
	}
	return m.learned
}

// Learn keeps what an importer has learned. It is not changed any more, and no larger
// than what an importer may hold while it reads.
func (m *Memory) Learn(v any) {
	if m != nil {
		m.learned = v
	}
}
