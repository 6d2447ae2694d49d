// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package intel

import (
	"context"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/match"
	"github.com/gyre-ctem/gyre/plugin"
)

// Store is where intelligence lives. It belongs to the installation, not to a
// workspace. Every write is one transaction; each must be idempotent.
// internal/store implements it.
type Store interface {
	// UpsertAdvisories stores advisories by ID; packages and names of a known
	// ID are replaced by the new ones. At most a few thousand rows.
	UpsertAdvisories(ctx context.Context, rows []AdvisoryRow) error
	// Advisories returns Data of every advisory that speaks of one of the
	// packages, each advisory once. Withdrawn ones are left out.
	Advisories(ctx context.Context, keys []match.PackageKey) ([][]byte, error)
	// AdvisoryNames returns, for each of the ids that an advisory has as its
	// ID or alias, the weakness keys (CVEs) that it stands for. Ids that
	// nothing is known of are left out. Ids are compared exactly.
	AdvisoryNames(ctx context.Context, ids []string) (map[string][]string, error)

	// ReplaceKEV makes the catalogue hold exactly these entries.
	ReplaceKEV(ctx context.Context, all []plugin.KEV) error
	// UpsertEPSS stores scores by CVE. At most a few thousand rows; a whole
	// file of 360,000 arrives as many calls in order of CVE.
	UpsertEPSS(ctx context.Context, rows []plugin.EPSS) error
	// UpsertExploits stores evidence by (CVE, Source).
	UpsertExploits(ctx context.Context, rows []plugin.ExploitRecord) error
	// Intel returns what is known of each CVE; those that nothing is known of are left out.
	Intel(ctx context.Context, cves []string) (map[string]gyre.Intel, error)

	// FeedRecords returns the record of every feed ever tried.
	FeedRecords(ctx context.Context) ([]FeedRecord, error)
	// PutFeedRecord stores the record by Name. It is called once after a
	// sync has written its data, so it is also the moment to tell readers
	// that intelligence changed (unless Unchanged).
	PutFeedRecord(ctx context.Context, r FeedRecord) error
}

// AdvisoryRow is an advisory with what it is looked up by.
type AdvisoryRow struct {
	ID        string
	Modified  time.Time
	Withdrawn bool
	// Packages are the packages it speaks of, without duplicates.
	Packages []match.PackageKey
	// Names are the other ids of the same weakness (aliases: GHSA, CVE …).
	Names []string
	// Keys are the weakness keys that it stands for: its CVEs, else its ID.
	Keys []string
	// Data is the advisory as match.Decode reads it.
	Data []byte
}

// FeedRecord is what is kept of a feed between syncs.
type FeedRecord struct {
	Name    string
	Base    string
	Tried   time.Time
	Synced  time.Time // last success
	Error   string
	Skipped int // records of the last sync that could not be read
	// Unchanged says that the last sync found nothing new.
	Unchanged bool
	State     plugin.FeedState // stored as JSON
}
