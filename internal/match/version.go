// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package match

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/osv-scalibr/semantic"
)

var (
	errVersion   = errors.New("version cannot be read")
	errEcosystem = errors.New("ecosystem has no known order of versions")
	errRange     = errors.New("range cannot be read")
)

// maxVersion bounds the length of a version, because comparing is more than
// linear in it for some ecosystems.
const maxVersion = 256

// Compare orders two versions of an ecosystem: negative when a is before b.
func Compare(ecosystem, a, b string) (int, error) {
	v, err := parseVersion(ecosystem, a)
	if err != nil {
		return 0, err
	}
	return v.compare(b)
}

// version is a parsed version. The comparison library is handed what strangers
// wrote, so a panic in it becomes an error.
type version struct {
	v         semantic.Version
	text      string
	ecosystem string
}

func parseVersion(ecosystem, text string) (out version, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %.40q", errVersion, text)
		}
	}()
	if text == "" || len(text) > maxVersion {
		return version{}, fmt.Errorf("%w: %.40q", errVersion, text)
	}
	v, err := semantic.Parse(strings.TrimSpace(text), ecosystem)
	if errors.Is(err, semantic.ErrUnsupportedEcosystem) {
		return version{}, fmt.Errorf("%w: %.40q", errEcosystem, ecosystem)
	}
	if err != nil {
		return version{}, fmt.Errorf("%w: %.40q", errVersion, text)
	}
	return version{v: v, text: text, ecosystem: ecosystem}, nil
}

func (v version) compare(other string) (c int, err error) {
	w, err := parseVersion(v.ecosystem, other)
	if err != nil {
		return 0, err
	}
	return v.compareTo(w)
}

func (v version) compareTo(w version) (c int, err error) {
	defer func() {
		if p := recover(); p != nil {
			c, err = 0, fmt.Errorf("%w: %.40q", errVersion, w.text)
		}
	}()
	return v.v.Compare(w.v)
}

// The kinds of events, in the order in which they apply at one version: what
// is introduced at the version that fixes something else is there.
const (
	eventFixed = iota
	eventIntroduced
	eventLastAffected
)

type point struct {
	kind int
	zero bool // before every version
	v    version
}

// affects evaluates the range for v after the algorithm of the OSV schema
// ("Evaluation"). fixed is the first fixed event after v, "" when there is none.
func (r Range) affects(v version) (yes bool, fixed string, err error) {
	points := make([]point, 0, len(r.Events))
	var limits []string
	for _, e := range r.Events {
		var p point
		text := ""
		switch {
		case e.Introduced != "":
			p.kind, text = eventIntroduced, e.Introduced
		case e.Fixed != "":
			p.kind, text = eventFixed, e.Fixed
		case e.LastAffected != "":
			p.kind, text = eventLastAffected, e.LastAffected
		case e.Limit != "":
			limits = append(limits, e.Limit)
			continue
		default:
			continue
		}
		if text == "0" {
			p.zero = true
		} else if p.v, err = parseVersion(v.ecosystem, text); err != nil {
			return false, "", err
		}
		points = append(points, p)
	}
	var sortErr error
	slices.SortStableFunc(points, func(a, b point) int {
		switch {
		case a.zero && b.zero:
			return a.kind - b.kind
		case a.zero:
			return -1
		case b.zero:
			return 1
		}
		c, err := a.v.compareTo(b.v)
		if err != nil {
			sortErr = err
		}
		if c == 0 {
			return a.kind - b.kind
		}
		return c
	})
	if sortErr != nil {
		return false, "", sortErr
	}
	for _, p := range points {
		c := 1 // v against the point
		if !p.zero {
			if c, err = v.compareTo(p.v); err != nil {
				return false, "", err
			}
		}
		switch {
		case p.kind == eventIntroduced && c >= 0:
			yes = true
		case p.kind == eventFixed && c >= 0:
			yes = false
		case p.kind == eventLastAffected && c > 0:
			yes = false
		case p.kind == eventFixed && fixed == "":
			fixed = p.v.text
		}
	}
	if yes && len(limits) > 0 {
		if yes, err = belowAny(v, limits); err != nil {
			return false, "", err
		}
	}
	return yes, fixed, nil
}

func belowAny(v version, limits []string) (bool, error) {
	for _, l := range limits {
		if l == "*" {
			return true, nil
		}
		c, err := v.compare(l)
		if err != nil {
			return false, err
		}
		if c < 0 {
			return true, nil
		}
	}
	return false, nil
}

// affects says whether version v is affected, and the lowest fixed version after it.
func (f Affected) affects(v version) (yes bool, fixed string, err error) {
	for _, r := range f.Ranges {
		in, fix, rangeErr := r.affects(v)
		if rangeErr != nil {
			err = fmt.Errorf("%w: %w", errRange, rangeErr)
			continue
		}
		if !in {
			continue
		}
		if !yes || lower(v.ecosystem, fix, fixed) {
			fixed = fix
		}
		yes = true
	}
	if !yes && slices.Contains(f.Versions, v.text) {
		yes = true
	}
	if yes {
		return true, fixed, nil
	}
	return false, "", err
}

// lower says whether fix a is known and before fix b.
func lower(ecosystem, a, b string) bool {
	if a == "" || b == "" {
		return a != ""
	}
	c, err := Compare(ecosystem, a, b)
	return err == nil && c < 0
}
