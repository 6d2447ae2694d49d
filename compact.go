// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package gyre

// Compacted says what a compaction removed, or would.
type Compacted struct {
	Runs      int   `json:"runs" doc:"Runs of which only the record, the events and what they brought are kept"`
	Coverage  int   `json:"coverage" doc:"Rows of what they covered"`
	RunAssets int   `json:"run_assets" doc:"Rows of which assets they touched"`
	Evidence  int   `json:"evidence" doc:"Evidence of fixed exposures, of which the summary is kept"`
	Bytes     int64 `json:"bytes" doc:"Bytes of that evidence"`
}

// Add adds what another compaction removed.
func (c *Compacted) Add(o Compacted) {
	c.Runs += o.Runs
	c.Coverage += o.Coverage
	c.RunAssets += o.RunAssets
	c.Evidence += o.Evidence
	c.Bytes += o.Bytes
}
