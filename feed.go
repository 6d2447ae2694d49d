// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package gyre

import "time"

// FeedStatus is how a feed of threat intelligence stands: how fresh it is, and
// what nobody can know while it is not.
type FeedStatus struct {
	Name      string    `json:"name"`
	Title     string    `json:"title"`
	Base      string    `json:"base" doc:"URL or folder that it is fetched from"`
	LastTry   time.Time `json:"last_try,omitzero"`
	LastSync  time.Time `json:"last_sync,omitzero" doc:"When it was last fetched, or found unchanged, without an error"`
	DataDate  time.Time `json:"data_date,omitzero" doc:"Date of its data, as the feed itself says"`
	Records   int       `json:"records"`
	Error     string    `json:"error,omitempty" doc:"Why the last try failed"`
	Missing   string    `json:"missing,omitempty" doc:"What is missing because the feed was never synced, or is out of date"`
	Skipped   int       `json:"skipped,omitempty" doc:"Records that could not be read at the last sync"`
	Unchanged bool      `json:"unchanged,omitempty" doc:"The last sync found nothing new"`
}
