// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package truth is what is really wrong in the practice estate: one table of
// planted weaknesses, and the pure comparison of that table with what was found.
//
// Only lab packages may import it. Invariants: it does no I/O; each row has an
// id, a class, a place and a real fix; a row that is fixed is not planted, so
// finding it is an error.
package truth

import (
	"slices"
	"strings"

	gyre "github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/lab/intel"
)

// Row is one planted weakness.
type Row struct {
	ID    string     `json:"id"`
	Class gyre.Class `json:"class"`
	Title string     `json:"title"`
	// Flaw is the switch that listeners and files ask for: HOST.WHAT.
	Flaw string    `json:"flaw"`
	Zone gyre.Zone `json:"zone,omitempty"`
	Host string    `json:"host,omitempty"`
	// Address is filled in when the estate is up.
	Address string `json:"address,omitempty"`
	// Service is the listener on the host that shows it; its port becomes the locus.
	Service string `json:"service,omitempty"`
	// Assets are further names under which the place may be known; "*" is any.
	Assets []string `json:"assets,omitempty"`
	// Loci are prefixes that end at a part of the locus; with a leading "~"
	// they may stand anywhere in it. None: any locus.
	Loci []string `json:"loci,omitempty"`
	// Keys are the weakness keys that count as having found it; a trailing "*" is any ending.
	Keys    []string `json:"keys"`
	Package *Package `json:"package,omitempty"`
	Fix     string   `json:"fix"`
	Fixed   bool     `json:"fixed"`
	// Unavailable says why the row cannot be planted on this machine.
	Unavailable string `json:"unavailable,omitempty"`
}

// Package is the software of a row.
type Package struct {
	Ecosystem  string `json:"ecosystem"`
	Name       string `json:"name"`             // as advisories name it
	Binary     string `json:"binary,omitempty"` // Debian: the binary package, when it differs
	Vulnerable string `json:"vulnerable"`
	Fixed      string `json:"fixed"`
	File       string `json:"file"`
}

// Planted says whether the weakness is there now.
func (r *Row) Planted() bool { return !r.Fixed && r.Unavailable == "" }

// Version is the package version that is installed now.
func (r *Row) Version() string {
	if r.Fixed {
		return r.Package.Fixed
	}
	return r.Package.Vulnerable
}

// Where is the place in words.
func (r *Row) Where() string {
	place := r.Host
	if r.Address != "" {
		place += " (" + r.Address + ")"
	}
	if len(r.Loci) > 0 {
		place = strings.TrimSpace(place + " " + strings.TrimPrefix(r.Loci[0], "~"))
	}
	return place
}

// MatchesKey says whether one of the keys names this row's weakness.
func (r *Row) MatchesKey(keys ...string) bool {
	for _, have := range r.Keys {
		prefix, open := strings.CutSuffix(have, "*")
		for _, key := range keys {
			if strings.EqualFold(have, key) || open && strings.HasPrefix(strings.ToLower(key), prefix) {
				return true
			}
		}
	}
	return false
}

// MatchesAsset says whether one of the names or addresses is this row's place.
func (r *Row) MatchesAsset(names ...string) bool {
	if slices.Contains(r.Assets, "*") {
		return true
	}
	for _, name := range names {
		name = strings.TrimSuffix(strings.ToLower(name), ".")
		if name == "" {
			continue
		}
		if name == r.Address || name == r.Host || name == FQDN(r.Host) || slices.Contains(r.Assets, name) {
			return true
		}
	}
	return false
}

// MatchesLocus says whether the locus lies in this row's place.
func (r *Row) MatchesLocus(locus string) bool {
	if len(r.Loci) == 0 {
		return true
	}
	locus = strings.ToLower(locus)
	for _, want := range r.Loci {
		want = strings.ToLower(want)
		if part, anywhere := strings.CutPrefix(want, "~"); anywhere {
			if strings.Contains(locus, part) {
				return true
			}
			continue
		}
		rest, ok := strings.CutPrefix(locus, want)
		if ok && (rest == "" || strings.ContainsAny(rest[:1], "/#:") || strings.HasSuffix(want, "#")) {
			return true
		}
	}
	return false
}

// Domain is the DNS zone of the practice organisation.
const Domain = "corp.example"

// FQDN is the full name of a host.
func FQDN(host string) string {
	if host == "" {
		return ""
	}
	return host + "." + Domain
}

// Rows returns a fresh copy of the whole table, nothing fixed.
func Rows() []Row {
	rows := slices.Concat(webRows(), serviceRows(), dnsRows(), hostRows(), fileRows(), unseenRows())
	for i := range rows {
		if p := rows[i].Package; p != nil {
			rows[i].Keys = append(rows[i].Keys, intel.Keys(p.Ecosystem, p.Name)...)
		}
	}
	return rows
}
