// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package gen

import (
	"strconv"

	"github.com/gyre-ctem/gyre"
)

// Host is one host of an estate, for those who want it as it is and not as a report.
type Host struct {
	Name, Address, Machine string
	Sights                 []Sight // used again for the next host
}

// Sight is one weakness at one place of a host.
type Sight struct {
	Weakness *Weakness
	Locus    string
	Twice    bool // a second tool sees it as well
}

// Weakness is one entry of the catalogue. Each has one value, whatever hosts have it.
type Weakness struct {
	Number      int // from 0, below Catalogue
	Key         string
	Title       string
	Description string
	Package     string
	Fixed       string // the version that fixes it; "" for a setting
	Score       float64
	Severity    gyre.Severity
}

// Each calls fn for every host of the estate of o, until it has had o.Findings
// sights; Format and Changed do not matter. Memory depends on the catalogue.
func Each(o Options, fn func(Host) error) error {
	if o.Findings < 0 || o.Findings > MaxFindings {
		return gyre.FieldErrorf(gyre.Invalid, "findings", "%d is not 0 to %d", o.Findings, MaxFindings)
	}
	o.Changed = 0
	e := newEstate(o)
	catalogue := make([]*Weakness, e.flaws)
	h := Host{}
	return e.each(func(host int, sights []sight) error {
		h.Name, h.Address, h.Machine = hostName(host), hostAddress(host), hostMachine(o.Seed, host)
		h.Sights = h.Sights[:0]
		for i := range sights {
			s := &sights[i]
			if s.again {
				if n := len(h.Sights); n > 0 {
					h.Sights[n-1].Twice = true
				}
				continue
			}
			w := catalogue[s.flaw.number]
			if w == nil {
				w = s.flaw.weakness(s.pkg)
				catalogue[s.flaw.number] = w
			}
			h.Sights = append(h.Sights, Sight{Weakness: w, Locus: s.locus()})
		}
		return fn(h)
	})
}

func (f flaw) weakness(p *software) *Weakness {
	w := &Weakness{
		Number: f.number, Key: f.cve(), Title: f.title(p), Description: f.description(p), Package: p.name, Fixed: f.fixed(),
		Score: f.score(), Severity: gyre.Severity(f.severity()),
	}
	if w.Key == "" {
		w.Key, w.Fixed = "example.setting-"+strconv.Itoa(f.number), ""
	}
	return w
}

func (s *sight) locus() string {
	if s.pkg.port > 0 {
		return "tcp/" + strconv.Itoa(s.pkg.port)
	}
	return "/var/lib/dpkg/status#" + s.pkg.name
}
