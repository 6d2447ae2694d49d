// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
)

// Intelligence has no events: a day's EPSS file changes hundreds of thousands of
// scores that nobody's estate is concerned of. What was known before is kept for the CVEs
// that weaknesses of some workspace name; one that an estate meets later has a past from then on.

// The feeds of intel_past.
const (
	pastEPSS    = "epss"
	pastKEV     = "kev"
	pastExploit = "exploit"
)

// pastIntel is what a feed said of a CVE, up to a time; value nil is nothing.
type pastIntel struct {
	cve, feed string
	value     any
}

// past reads what a feed said back into what is known.
func past(feed, text string, i *gyre.Intel) error {
	switch feed {
	case pastEPSS:
		var v [3]float64
		err := fromJSON(text, &v)
		i.EPSS, i.EPSSPercentile, i.EPSSDate = v[0], v[1], timeOf(int64(v[2]))
		return err
	case pastKEV:
		var v [3]int64
		err := fromJSON(text, &v)
		i.KEV, i.KEVAdded, i.KEVDue, i.Ransomware = text != "", timeOf(v[0]), timeOf(v[1]), v[2] != 0
		return err
	case pastExploit:
		i.Exploit = gyre.ExploitUnknown
		return fromJSON(text, &i.Exploit)
	}
	return nil
}

// named picks the CVEs that weaknesses of any workspace name.
func named(ctx context.Context, q querier, cves []string) (map[string]bool, error) {
	out := map[string]bool{}
	err := inChunks(cves, stringArg, nil, func(in string, args []any) error {
		return each(ctx, q, "SELECT DISTINCT a.alias FROM workspace w JOIN weakness_alias a ON a.workspace = w.id WHERE a.alias IN "+in, args, func(s scanner) error {
			var cve string
			err := s.Scan(&cve)
			out[cve] = true
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("find CVEs of estates: %w", err)
	}
	return out, nil
}

// keepEPSS keeps the scores that rows are about to replace. The percentile moves
// every day with everybody else's and scores nothing: it is kept with the score.
func (db *DB) keepEPSS(ctx context.Context, tx *txn, rows []plugin.EPSS) error {
	return keepPast(ctx, db, tx, rows, func(r plugin.EPSS) string { return r.CVE }, func(r plugin.EPSS, was gyre.Intel) (pastIntel, bool) {
		p := pastIntel{cve: r.CVE, feed: pastEPSS}
		if !was.EPSSDate.IsZero() || was.EPSS != 0 {
			p.value = [3]float64{was.EPSS, was.EPSSPercentile, float64(micros(was.EPSSDate))}
		}
		return p, was.EPSS != r.Score
	})
}

// keepKEV keeps what the catalogue says of CVEs of which it is about to say something else.
func (db *DB) keepKEV(ctx context.Context, tx *txn, all []plugin.KEV) error {
	next := make(map[string]plugin.KEV, len(all))
	for _, k := range all {
		if _, twice := next[k.CVE]; !twice {
			next[k.CVE] = k
		}
	}
	cves := make([]string, 0, len(next))
	for cve := range next {
		cves = append(cves, cve)
	}
	err := each(ctx, tx, "SELECT cve FROM kev", nil, func(s scanner) error {
		var cve string
		err := s.Scan(&cve)
		if _, stays := next[cve]; !stays {
			cves = append(cves, cve)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("read KEV: %w", err)
	}
	return keepPast(ctx, db, tx, cves, func(cve string) string { return cve }, func(cve string, was gyre.Intel) (pastIntel, bool) {
		k, listed := next[cve]
		p := pastIntel{cve: cve, feed: pastKEV}
		if was.KEV {
			ransomware := int64(0)
			if was.Ransomware {
				ransomware = 1
			}
			p.value = [3]int64{micros(was.KEVAdded), micros(was.KEVDue), ransomware}
		}
		return p, listed != was.KEV || was.Ransomware != k.Ransomware || !was.KEVAdded.Equal(timeOf(micros(k.Added))) || !was.KEVDue.Equal(timeOf(micros(k.Due)))
	})
}

// keepExploits keeps what was known of exploits before rows say more.
func (db *DB) keepExploits(ctx context.Context, tx *txn, rows []plugin.ExploitRecord) error {
	return keepPast(ctx, db, tx, rows, func(r plugin.ExploitRecord) string { return r.CVE }, func(r plugin.ExploitRecord, was gyre.Intel) (pastIntel, bool) {
		p := pastIntel{cve: r.CVE, feed: pastExploit}
		if was.Exploit != gyre.ExploitUnknown {
			p.value = was.Exploit
		}
		return p, was.Exploit != r.Maturity
	})
}

// keepPast stores what changed says was otherwise. Of two changes in one
// microsecond the first says what was before.
func keepPast[T any](ctx context.Context, db *DB, tx *txn, rows []T, cve func(T) string, changed func(T, gyre.Intel) (pastIntel, bool)) error {
	cves := make([]string, len(rows))
	for i := range rows {
		cves[i] = cve(rows[i])
	}
	ours, err := named(ctx, tx, cves)
	if err != nil || len(ours) == 0 {
		return err
	}
	cves = cves[:0]
	for c := range ours {
		cves = append(cves, c)
	}
	now, err := intelNow(ctx, tx, cves)
	if err != nil {
		return err
	}
	var keep []pastIntel
	var values []string
	done := map[string]bool{}
	for _, r := range rows {
		c := cve(r)
		if !ours[c] || done[c] {
			continue
		}
		p, differs := changed(r, now[c])
		if !differs {
			continue
		}
		done[c] = true
		value := ""
		if p.value != nil {
			if value, err = jsonText(p.value); err != nil {
				return err
			}
		}
		keep, values = append(keep, p), append(values, value)
	}
	ended := micros(db.now())
	err = insert(ctx, tx, "INSERT INTO intel_past (cve, feed, ended, value)", "ON CONFLICT (cve, feed, ended) DO NOTHING", 4, len(keep),
		func(i int, a []any) []any { return append(a, keep[i].cve, keep[i].feed, ended, values[i]) })
	if err != nil {
		return fmt.Errorf("keep past intelligence: %w", err)
	}
	return nil
}

// intelAt is Intel as it was at a time.
func intelAt(ctx context.Context, q querier, cves []string, at int64) (map[string]gyre.Intel, error) {
	out, err := intelNow(ctx, q, cves)
	if err != nil {
		return nil, err
	}
	err = inChunks(cves, stringArg, []any{at}, func(in string, args []any) error {
		// Newest first: the last one that is read is the one that held at the time.
		return each(ctx, q, "SELECT cve, feed, value FROM intel_past WHERE ended > $1 AND cve IN "+in+" ORDER BY cve, feed, ended DESC", args, func(s scanner) error {
			var cve, feed, value string
			if err := s.Scan(&cve, &feed, &value); err != nil {
				return err
			}
			i := out[cve]
			err := past(feed, value, &i)
			out[cve] = i
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read past intelligence: %w", err)
	}
	return out, nil
}
