// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package kev is the feed of CISA's Known Exploited Vulnerabilities catalogue
// (https://www.cisa.gov/known-exploited-vulnerabilities-catalog, JSON form).
//
// plugins/all registers it; nobody else imports it. Invariants: it streams; an
// entry that cannot be read is skipped and counted; the whole catalogue is
// emitted or nothing new is said to be known.
package kev

import (
	"context"
	"encoding/json"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
)

const (
	fileName   = "known_exploited_vulnerabilities.json"
	maxSize    = 256 << 20
	maxEntries = 200_000
	batchSize  = 1000
)

// Feed reads the catalogue.
type Feed struct{}

// New returns the feed.
func New() Feed { return Feed{} }

// Info describes the feed.
func (Feed) Info() plugin.Info {
	return plugin.Info{
		Name: "kev", Title: "CISA Known Exploited Vulnerabilities", Version: "1",
		Description: "Which CVEs are exploited in the wild, and which by ransomware.",
		Without:     "which weaknesses are known to be exploited, also by ransomware; their likelihood is scored without it",
	}
}

// DefaultURL is the folder of CISA's feeds.
func (Feed) DefaultURL() string { return "https://www.cisa.gov/sites/default/files/feeds" }

// Sync fetches the catalogue and emits all of it.
func (Feed) Sync(ctx context.Context, req plugin.FeedRequest, emit plugin.EmitIntel) (plugin.FeedState, error) {
	doc, err := req.Fetch(ctx, fileName, req.Last, maxSize)
	if err != nil {
		return plugin.FeedState{}, err
	}
	if doc == nil {
		state := req.Last
		state.NotModified = true
		return state, nil
	}
	defer func() { _ = doc.Close() }()
	state := doc.State
	batch := &plugin.IntelBatch{}
	head, err := parse(io.LimitReader(doc, maxSize), func(k plugin.KEV) error {
		state.Records++
		batch.KEV = append(batch.KEV, k)
		if len(batch.KEV) < batchSize {
			return nil
		}
		full := batch
		batch = &plugin.IntelBatch{}
		return emit(ctx, full)
	})
	if err != nil {
		return plugin.FeedState{}, err
	}
	if len(batch.KEV) > 0 {
		if err := emit(ctx, batch); err != nil {
			return plugin.FeedState{}, err
		}
	}
	state.Version, state.Date, state.Skipped = head.version, head.released, head.skipped
	return state, nil
}

type header struct {
	version  string
	released time.Time
	skipped  int
}

type entry struct {
	CVE        string `json:"cveID"`
	Name       string `json:"vulnerabilityName"`
	Added      string `json:"dateAdded"`
	Due        string `json:"dueDate"`
	Action     string `json:"requiredAction"`
	Ransomware string `json:"knownRansomwareCampaignUse"`
}

var cveID = regexp.MustCompile(`^CVE-[0-9]{4}-[0-9]{4,9}$`)

// parse streams a catalogue. A document that is not one, or has no entries, is
// gyre.Invalid: it must not empty what is stored.
func parse(r io.Reader, each func(plugin.KEV) error) (header, error) {
	var h header
	d := json.NewDecoder(r)
	wrong := func(err error) (header, error) {
		return header{}, gyre.FieldErrorf(gyre.Invalid, fileName, "byte %d: %v", d.InputOffset(), err)
	}
	if t, err := d.Token(); err != nil {
		return wrong(err)
	} else if t != json.Delim('{') {
		return header{}, gyre.FieldErrorf(gyre.Invalid, fileName, "is not a KEV catalogue: no object at the top")
	}
	good, found := 0, false
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return wrong(err)
		}
		if name != "vulnerabilities" {
			var v json.RawMessage
			if err := d.Decode(&v); err != nil {
				return wrong(err)
			}
			switch name {
			case "catalogVersion":
				_ = json.Unmarshal(v, &h.version)
			case "dateReleased":
				_ = json.Unmarshal(v, &h.released)
			}
			continue
		}
		found = true
		if t, err := d.Token(); err != nil || t != json.Delim('[') {
			return header{}, gyre.FieldErrorf(gyre.Invalid, fileName, "vulnerabilities is not a list")
		}
		for d.More() {
			var raw json.RawMessage
			if err := d.Decode(&raw); err != nil {
				return wrong(err)
			}
			if good+h.skipped >= maxEntries {
				return header{}, gyre.FieldErrorf(gyre.TooLarge, fileName, "has more than %d entries", maxEntries)
			}
			k, ok := read(raw)
			if !ok {
				h.skipped++
				continue
			}
			good++
			if err := each(k); err != nil {
				return header{}, err
			}
		}
		if _, err := d.Token(); err != nil {
			return wrong(err)
		}
	}
	if _, err := d.Token(); err != nil {
		return wrong(err)
	}
	if !found || good == 0 {
		return header{}, gyre.FieldErrorf(gyre.Invalid, fileName, "is not a KEV catalogue: no entry could be read")
	}
	return h, nil
}

func read(raw json.RawMessage) (plugin.KEV, bool) {
	var e entry
	if json.Unmarshal(raw, &e) != nil || !cveID.MatchString(e.CVE) {
		return plugin.KEV{}, false
	}
	added, err := time.Parse(time.DateOnly, e.Added)
	if err != nil {
		return plugin.KEV{}, false
	}
	due, _ := time.Parse(time.DateOnly, e.Due) // the zero time: none is set
	return plugin.KEV{
		CVE: e.CVE, Added: added, Due: due, Ransomware: strings.EqualFold(e.Ransomware, "Known"),
		Name: clip(e.Name, 300), Action: clip(e.Action, 2000),
	}, true
}

func clip(s string, n int) string {
	if len(s) > n {
		s = strings.ToValidUTF8(s[:n], "")
	}
	return s
}
