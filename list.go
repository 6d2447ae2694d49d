// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package gyre

import "time"

// ListQuery asks the projection for one page of a list.
type ListQuery struct {
	Filter string   // CEL; empty is everything
	Sort   []string // field names, "-" before a name for descending; empty is the list's default
	Limit  int      // rows in the page; 0 is 100, at most 1000
	After  string   // Next of the page before; its Sort must be the same
	Facets []string // fields whose values are counted over all rows that match
}

// ListInfo is what a list says besides its rows.
type ListInfo struct {
	Total   int                     `json:"total" doc:"Rows that match, on all pages"`
	Next    string                  `json:"next,omitempty" doc:"Cursor of the next page; empty on the last"`
	Risk    float64                 `json:"risk" doc:"Sum of the risk of active exposures that match, in points"`
	Facets  map[string][]FacetValue `json:"facets,omitempty"`
	Seq     int64                   `json:"seq" doc:"Event up to which the list is current"`
	FreshAt time.Time               `json:"fresh_at"`
	AsOf    time.Time               `json:"as_of,omitzero" doc:"The list is how it was then, with today's knowledge of who is who"`
}

// FacetValue is one value of a field and how many rows have it.
type FacetValue struct {
	Value string `json:"value"`
	Count int    `json:"count"`
}

// ExposureRow is an exposure as lists show it.
type ExposureRow struct {
	ID        ID        `json:"id"`
	Risk      float64   `json:"risk"`
	Band      Band      `json:"band"`
	Severity  Severity  `json:"severity"`
	Class     Class     `json:"class"`
	State     State     `json:"state"`
	Title     string    `json:"title"`
	Weakness  string    `json:"weakness"`
	Locus     string    `json:"locus"`
	Asset     AssetName `json:"asset"`
	Owner     string    `json:"owner,omitempty"`
	KEV       bool      `json:"kev"`
	EPSS      float64   `json:"epss"`
	FirstSeen time.Time `json:"first_seen"`
	LastSeen  time.Time `json:"last_seen"`
	Action    ID        `json:"action,omitempty"`
	Sources   []string  `json:"sources"`
}

// AssetName is an asset as rows refer to it.
type AssetName struct {
	ID   ID        `json:"id"`
	Name string    `json:"name"`
	Kind AssetKind `json:"kind"`
	Zone Zone      `json:"zone,omitempty"`
}

// AssetRow is an asset as lists show it.
type AssetRow struct {
	ID          ID          `json:"id"`
	Name        string      `json:"name"`
	Kind        AssetKind   `json:"kind"`
	Zone        Zone        `json:"zone,omitempty"`
	Criticality Criticality `json:"criticality"`
	Owner       string      `json:"owner,omitempty"`
	Tags        []string    `json:"tags,omitempty"`
	Exposures   int         `json:"exposures" doc:"Active ones"`
	Risk        float64     `json:"risk" doc:"Sum of the risk of its active exposures, in points"`
	MaxBand     Band        `json:"max_band,omitempty"`
	LastSeen    time.Time   `json:"last_seen"`
}
