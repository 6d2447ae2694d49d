// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"strings"

	gyre "github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/lab/truth"
)

// Fix removes planted weaknesses from the running estate and returns their
// rows. What is "all", one or more row ids, or one place as a runbook line names
// it: ASSET LOCUS WEAKNESS, or LOCUS WEAKNESS, or ASSET WEAKNESS.
func (e *Estate) Fix(what ...string) ([]Row, error) { return e.change(true, what) }

// Break plants weaknesses again. What is as in Fix.
func (e *Estate) Break(what ...string) ([]Row, error) { return e.change(false, what) }

func (e *Estate) change(fixed bool, what []string) ([]Row, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, gyre.Errorf(gyre.Unavailable, "the practice estate is down")
	}
	at, err := find(e.rows, what)
	if err != nil {
		return nil, err
	}
	before := make([]bool, len(e.rows))
	for i := range e.rows {
		before[i] = e.rows[i].Fixed
	}
	for _, i := range at {
		e.rows[i].Fixed = fixed
	}
	if err := e.apply(); err != nil {
		for i := range e.rows {
			e.rows[i].Fixed = before[i]
		}
		e.publish()
		return nil, err
	}
	changed := make([]Row, 0, len(at))
	for _, i := range at {
		changed = append(changed, e.rows[i])
		word := "broke"
		if fixed {
			word = "fixed"
		}
		e.logf("%s %s: %s", word, e.rows[i].ID, e.rows[i].Title)
	}
	return changed, nil
}

// find resolves what to change.
func find(rows []Row, what []string) ([]int, error) {
	if len(what) == 0 {
		return nil, gyre.Errorf(gyre.Invalid, "say what to change: a row id such as W-01, a place and a weakness, or all")
	}
	var at []int
	if len(what) == 1 && what[0] == "all" {
		for i := range rows {
			if rows[i].Unavailable == "" {
				at = append(at, i)
			}
		}
		return at, nil
	}
	ids := true
	for _, w := range what {
		ids = ids && strings.HasPrefix(w, "W-")
	}
	if ids {
		for _, id := range what {
			one := truth.At(rows, id)
			if len(one) == 0 {
				return nil, gyre.Errorf(gyre.NotFound, "the practice estate has no row %q; gyre lab list shows them", id)
			}
			at = append(at, one...)
		}
	} else {
		at = truth.At(rows, what...)
		if len(at) == 0 {
			return nil, gyre.Errorf(gyre.NotFound, "nothing is planted at %q; gyre lab list shows what is where", strings.Join(what, " "))
		}
		if len(at) > 1 {
			var names []string
			for _, i := range at {
				names = append(names, rows[i].ID)
			}
			return nil, gyre.Errorf(gyre.Conflict, "%q is %s: name one by its id", strings.Join(what, " "), strings.Join(names, " or "))
		}
	}
	for _, i := range at {
		if rows[i].Unavailable != "" {
			return nil, gyre.Errorf(gyre.Conflict, "%s cannot be changed here: %s", rows[i].ID, rows[i].Unavailable)
		}
	}
	return at, nil
}
