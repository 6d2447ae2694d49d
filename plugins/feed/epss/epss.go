// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package epss is the feed of FIRST's Exploit Prediction Scoring System
// (https://www.first.org/epss/data_stats, the daily CSV).
//
// plugins/all registers it; nobody else imports it. Invariants: it streams
// (360,000 rows take no more memory than one batch); a row that cannot be read
// is skipped and counted; scores and percentiles are in 0 to 1.
package epss

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
)

const (
	fileName    = "epss_scores-current.csv.gz"
	maxSize     = 256 << 20
	maxExpanded = 1 << 30
	maxRows     = 5_000_000
	maxLine     = 4 << 10
	batchSize   = 5000
)

// Feed reads the daily scores.
type Feed struct{}

// New returns the feed.
func New() Feed { return Feed{} }

// Info describes the feed.
func (Feed) Info() plugin.Info {
	return plugin.Info{
		Name: "epss", Title: "FIRST EPSS", Version: "1",
		Description: "The probability of each CVE to be exploited in the next 30 days.",
		Without:     "how likely a CVE is to be exploited; likelihood is scored from base rates of its severity instead",
	}
}

// DefaultURL is the folder of the daily files.
func (Feed) DefaultURL() string { return "https://epss.empiricalsecurity.com" }

// Sync fetches the current scores and emits all of them in the file's order.
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
	batch := make([]plugin.EPSS, 0, batchSize)
	send := func() error {
		full := batch
		batch = make([]plugin.EPSS, 0, batchSize)
		if req.Progress != nil {
			req.Progress(state.Records, 0, "EPSS scores")
		}
		return emit(ctx, &plugin.IntelBatch{EPSS: full})
	}
	h, err := parse(doc, func(e plugin.EPSS) error {
		state.Records++
		if batch = append(batch, e); len(batch) < batchSize {
			return nil
		}
		return send()
	})
	if err == nil && len(batch) > 0 {
		err = send()
	}
	if err != nil {
		return plugin.FeedState{}, err
	}
	state.Version, state.Date, state.Skipped = h.model, h.date, h.skipped
	return state, nil
}

type header struct {
	model   string
	date    time.Time
	skipped int
}

// parse streams a file of scores, compressed or not.
func parse(r io.Reader, each func(plugin.EPSS) error) (header, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	var text io.Reader = in
	if magic, _ := in.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(in)
		if err != nil {
			return header{}, gyre.FieldErrorf(gyre.Invalid, fileName, "is not gzip: %v", err)
		}
		text = z
	}
	limited := &io.LimitedReader{R: text, N: maxExpanded}
	lines := bufio.NewScanner(limited)
	lines.Buffer(make([]byte, 0, maxLine), maxLine)
	var h header
	columns, n, good := false, 0, 0
	for lines.Scan() {
		n++
		line := lines.Bytes()
		switch {
		case n > maxRows:
			return h, gyre.FieldErrorf(gyre.TooLarge, fileName+":"+strconv.Itoa(n), "has more than %d rows", maxRows)
		case len(line) == 0:
		case line[0] == '#':
			h.comment(string(line[1:]))
		case !columns && bytes.HasPrefix(line, []byte("cve,")):
			columns = true
		default:
			e, ok := row(line)
			if !ok {
				h.skipped++
				continue
			}
			good++
			e.Date = h.date
			if err := each(e); err != nil {
				return h, err
			}
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return h, gyre.FieldErrorf(gyre.Invalid, fileName+":"+strconv.Itoa(n+1), "line is longer than %d bytes", maxLine)
	case err != nil:
		return h, gyre.FieldErrorf(gyre.Invalid, fileName+":"+strconv.Itoa(n+1), "%v", err)
	case limited.N <= 0:
		return h, gyre.FieldErrorf(gyre.TooLarge, fileName, "expands to more than %d bytes", maxExpanded)
	case !columns || good == 0:
		return h, gyre.FieldErrorf(gyre.Invalid, fileName, "is not a file of EPSS scores")
	}
	return h, nil
}

// comment reads "model_version:v2025.03.14,score_date:2026-08-16T00:00:00Z".
func (h *header) comment(s string) {
	for _, part := range strings.Split(s, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), ":")
		switch key {
		case "model_version":
			h.model = value
		case "score_date":
			for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05-0700", time.DateOnly} {
				if t, err := time.Parse(layout, value); err == nil {
					h.date = t.UTC()
					break
				}
			}
		}
	}
}

// row reads "CVE-2024-1234,0.00043,0.08123".
func row(line []byte) (plugin.EPSS, bool) {
	cve, rest, ok := bytes.Cut(bytes.TrimSuffix(line, []byte("\r")), []byte(","))
	if !ok || len(cve) < 13 || len(cve) > 18 || !bytes.HasPrefix(cve, []byte("CVE-")) {
		return plugin.EPSS{}, false
	}
	score, percentile, _ := bytes.Cut(rest, []byte(","))
	s, err := strconv.ParseFloat(string(score), 64)
	if err != nil || !(s >= 0 && s <= 1) {
		return plugin.EPSS{}, false
	}
	p, err := strconv.ParseFloat(string(percentile), 64)
	if err != nil || !(p >= 0 && p <= 1) {
		return plugin.EPSS{}, false
	}
	return plugin.EPSS{CVE: string(cve), Score: s, Percentile: p}, true
}
