// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/intel"
	"github.com/gyre-ctem/gyre/internal/match"
	"github.com/gyre-ctem/gyre/plugin"
)

var _ intel.Store = (*DB)(nil)

// atomically runs fn in one transaction that belongs to no workspace.
func (db *DB) atomically(ctx context.Context, fn func(*txn) error) error {
	tx, err := db.begin(ctx)
	if err != nil {
		return err
	}
	defer tx.close()
	if err := fn(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// UpsertAdvisories stores advisories by ID; packages and names of a known ID
// are replaced by the new ones.
func (db *DB) UpsertAdvisories(ctx context.Context, rows []intel.AdvisoryRow) error {
	// The last of several with one ID wins; a statement may not touch a row twice.
	at := make(map[string]int, len(rows))
	var all []intel.AdvisoryRow
	for _, r := range rows {
		if i, ok := at[r.ID]; ok {
			all[i] = r
			continue
		}
		at[r.ID] = len(all)
		all = append(all, r)
	}
	type pkg struct{ ecosystem, name, advisory string }
	var ids []string
	var pkgs []pkg
	var names []tieOf
	withdrawn := make(map[string]bool, len(all))
	for _, r := range all {
		ids = append(ids, r.ID)
		withdrawn[r.ID] = r.Withdrawn
		for _, p := range r.Packages {
			pkgs = append(pkgs, pkg{p.Ecosystem, p.Name, r.ID})
		}
		for _, n := range append([]string{r.ID}, r.Names...) {
			for _, k := range r.Keys {
				names = append(names, tieOf{n, r.ID, k})
			}
		}
	}
	err := db.atomically(ctx, func(tx *txn) error {
		changed, err := reworded(ctx, tx, ids, names, withdrawn)
		if err != nil {
			return err
		}
		err = insert(ctx, tx, "INSERT INTO advisory (id, modified, withdrawn, data)",
			"ON CONFLICT (id) DO UPDATE SET modified = excluded.modified, withdrawn = excluded.withdrawn, data = excluded.data", 4, len(all),
			func(i int, a []any) []any {
				return append(a, all[i].ID, micros(all[i].Modified), all[i].Withdrawn, all[i].Data)
			})
		if err != nil {
			return err
		}
		for _, forget := range []string{"DELETE FROM advisory_package WHERE advisory IN ", "DELETE FROM advisory_name WHERE advisory IN "} {
			err := inChunks(ids, stringArg, nil, func(in string, args []any) error {
				_, err := tx.ExecContext(ctx, forget+in, args...)
				return err
			})
			if err != nil {
				return err
			}
		}
		err = insert(ctx, tx, "INSERT INTO advisory_package (ecosystem, name, advisory)", "ON CONFLICT DO NOTHING", 3, len(pkgs),
			func(i int, a []any) []any { return append(a, pkgs[i].ecosystem, pkgs[i].name, pkgs[i].advisory) })
		if err != nil {
			return err
		}
		err = insert(ctx, tx, "INSERT INTO advisory_name (name, advisory, key)", "ON CONFLICT DO NOTHING", 3, len(names),
			func(i int, a []any) []any { return append(a, names[i].name, names[i].advisory, names[i].key) })
		if err != nil {
			return err
		}
		return retie(ctx, tx, changed)
	})
	if err != nil {
		return fmt.Errorf("store advisories: %w", err)
	}
	return nil
}

// Advisories returns the data of every advisory that speaks of one of the
// packages, each advisory once, by ID. Withdrawn ones are left out.
func (db *DB) Advisories(ctx context.Context, keys []match.PackageKey) ([][]byte, error) {
	byEcosystem := map[string][]string{}
	for _, k := range keys {
		byEcosystem[k.Ecosystem] = append(byEcosystem[k.Ecosystem], k.Name)
	}
	seen := map[string]bool{}
	var out [][]byte
	for ecosystem, names := range byEcosystem {
		err := inChunks(names, stringArg, []any{ecosystem}, func(in string, args []any) error {
			return each(ctx, db.judged(), `SELECT a.id, a.data FROM advisory a WHERE NOT a.withdrawn AND a.id IN
				(SELECT p.advisory FROM advisory_package p WHERE p.ecosystem = $1 AND p.name IN `+in+`) ORDER BY a.id`, args, func(s scanner) error {
				var id string
				var data []byte
				if err := s.Scan(&id, &data); err != nil {
					return err
				}
				if !seen[id] {
					seen[id] = true
					out = append(out, data)
				}
				return nil
			})
		})
		if err != nil {
			return nil, fmt.Errorf("read advisories: %w", err)
		}
	}
	return out, nil
}

// AdvisoryNames returns, for each id that an advisory has as its ID or alias,
// the weakness keys that it stands for.
func (db *DB) AdvisoryNames(ctx context.Context, ids []string) (map[string][]string, error) {
	out := map[string][]string{}
	err := inChunks(ids, stringArg, nil, func(in string, args []any) error {
		return each(ctx, db.r, "SELECT DISTINCT name, key FROM advisory_name WHERE name IN "+in+" ORDER BY name, key", args, func(s scanner) error {
			var name, key string
			err := s.Scan(&name, &key)
			out[name] = append(out[name], key)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read names of advisories: %w", err)
	}
	return out, nil
}

// ReplaceKEV makes the catalogue hold exactly these entries.
func (db *DB) ReplaceKEV(ctx context.Context, all []plugin.KEV) error {
	err := db.atomically(ctx, func(tx *txn) error {
		if err := db.keepKEV(ctx, tx, all); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM kev"); err != nil {
			return err
		}
		return insert(ctx, tx, "INSERT INTO kev (cve, added, due, ransomware, name, action)", "ON CONFLICT (cve) DO NOTHING", 6, len(all),
			func(i int, a []any) []any {
				k := &all[i]
				return append(a, k.CVE, micros(k.Added), micros(k.Due), k.Ransomware, k.Name, k.Action)
			})
	})
	if err != nil {
		return fmt.Errorf("store KEV: %w", err)
	}
	return nil
}

// UpsertEPSS stores scores by CVE.
func (db *DB) UpsertEPSS(ctx context.Context, rows []plugin.EPSS) error {
	rows = lastOf(rows, func(r plugin.EPSS) string { return r.CVE })
	err := db.atomically(ctx, func(tx *txn) error {
		if err := db.keepEPSS(ctx, tx, rows); err != nil {
			return err
		}
		return insert(ctx, tx, "INSERT INTO epss (cve, score, percentile, date)",
			"ON CONFLICT (cve) DO UPDATE SET score = excluded.score, percentile = excluded.percentile, date = excluded.date", 4, len(rows),
			func(i int, a []any) []any {
				return append(a, rows[i].CVE, rows[i].Score, rows[i].Percentile, micros(rows[i].Date))
			})
	})
	if err != nil {
		return fmt.Errorf("store EPSS: %w", err)
	}
	return nil
}

// UpsertExploits stores evidence by CVE and source.
func (db *DB) UpsertExploits(ctx context.Context, rows []plugin.ExploitRecord) error {
	rows = lastOf(rows, func(r plugin.ExploitRecord) string { return r.CVE + "\n" + r.Source })
	err := db.atomically(ctx, func(tx *txn) error {
		if err := db.keepExploits(ctx, tx, rows); err != nil {
			return err
		}
		return insert(ctx, tx, "INSERT INTO exploit (cve, source, maturity)",
			"ON CONFLICT (cve, source) DO UPDATE SET maturity = excluded.maturity", 3, len(rows),
			func(i int, a []any) []any { return append(a, rows[i].CVE, rows[i].Source, string(rows[i].Maturity)) })
	})
	if err != nil {
		return fmt.Errorf("store exploits: %w", err)
	}
	return nil
}

// lastOf keeps the last row of each key, because a statement may not touch a row twice.
func lastOf[T any](rows []T, key func(T) string) []T {
	at := make(map[string]int, len(rows))
	out := make([]T, 0, len(rows))
	for _, r := range rows {
		if i, ok := at[key(r)]; ok {
			out[i] = r
			continue
		}
		at[key(r)] = len(out)
		out = append(out, r)
	}
	return out
}

// Intel returns what is known of each CVE; those that nothing is known of are left out.
func (db *DB) Intel(ctx context.Context, cves []string) (map[string]gyre.Intel, error) {
	return intelNow(ctx, db.r, cves)
}

func intelNow(ctx context.Context, q querier, cves []string) (map[string]gyre.Intel, error) {
	out := map[string]gyre.Intel{}
	err := inChunks(cves, stringArg, nil, func(in string, args []any) error {
		err := each(ctx, q, "SELECT cve, score, percentile, date FROM epss WHERE cve IN "+in, args, func(s scanner) error {
			var cve string
			var date int64
			var i gyre.Intel
			err := s.Scan(&cve, &i.EPSS, &i.EPSSPercentile, &date)
			i.EPSSDate = timeOf(date)
			out[cve] = i
			return err
		})
		if err != nil {
			return err
		}
		err = each(ctx, q, "SELECT cve, added, due, ransomware FROM kev WHERE cve IN "+in, args, func(s scanner) error { return scanKEV(s, out) })
		if err != nil {
			return err
		}
		return each(ctx, q, "SELECT cve, maturity FROM exploit WHERE cve IN "+in, args, func(s scanner) error { return scanExploit(s, out) })
	})
	if err != nil {
		return nil, fmt.Errorf("read intelligence: %w", err)
	}
	return out, nil
}

func scanKEV(s scanner, into map[string]gyre.Intel) error {
	var cve string
	var added, due int64
	var ransomware bool
	if err := s.Scan(&cve, &added, &due, &ransomware); err != nil {
		return err
	}
	i := into[cve]
	i.KEV, i.KEVAdded, i.KEVDue, i.Ransomware = true, timeOf(added), timeOf(due), ransomware
	into[cve] = i
	return nil
}

func scanExploit(s scanner, into map[string]gyre.Intel) error {
	var cve, maturity string
	if err := s.Scan(&cve, &maturity); err != nil {
		return err
	}
	i := into[cve]
	if i.Exploit == gyre.ExploitUnknown || gyre.Exploit(maturity) == gyre.ExploitAttacked {
		i.Exploit = gyre.Exploit(maturity)
	}
	into[cve] = i
	return nil
}

// FeedRecords returns the record of every feed ever tried, by name.
func (db *DB) FeedRecords(ctx context.Context) ([]intel.FeedRecord, error) {
	return collect(ctx, db.r, func(s scanner) (r intel.FeedRecord, err error) {
		var tried, synced, skipped int64
		var state string
		err = s.Scan(&r.Name, &r.Base, &tried, &synced, &r.Error, &skipped, &r.Unchanged, &state)
		if err != nil {
			return r, err
		}
		r.Tried, r.Synced, r.Skipped = timeOf(tried), timeOf(synced), int(skipped)
		return r, fromJSON(state, &r.State)
	}, "SELECT name, base, tried, synced, error, skipped, unchanged, state FROM feed ORDER BY name")
}

// PutFeedRecord stores the record of a feed by name and, when its sync brought
// something, tells every workspace that intelligence changed.
func (db *DB) PutFeedRecord(ctx context.Context, r intel.FeedRecord) error {
	state, err := jsonText(r.State)
	if err != nil {
		return err
	}
	_, err = db.exec(ctx, `INSERT INTO feed (name, base, tried, synced, error, skipped, unchanged, state) VALUES ($1,$2,$3,$4,$5,$6,$7,$8)
		ON CONFLICT (name) DO UPDATE SET base = excluded.base, tried = excluded.tried, synced = excluded.synced, error = excluded.error,
		skipped = excluded.skipped, unchanged = excluded.unchanged, state = excluded.state`,
		r.Name, r.Base, micros(r.Tried), micros(r.Synced), r.Error, int64(r.Skipped), r.Unchanged, state)
	if err != nil {
		return fmt.Errorf("store record of feed %q: %w", r.Name, err)
	}
	if r.Unchanged {
		return nil
	}
	all, err := db.Workspaces(ctx)
	if err != nil {
		return err
	}
	for _, ws := range all {
		err := db.Write(ctx, ws.ID, func(tx *Tx) error {
			tx.Append(gyre.Event{Object: "intel", Kind: "synced", To: r.Name, Actor: "system", Reason: r.Error})
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
