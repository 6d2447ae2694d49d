// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package naming

import (
	"regexp"
	"strconv"
	"strings"
)

const (
	// lastShared is the last advisory of the Node Security Platform that the Node.js
	// security group took over, in July 2017.
	lastShared = 356
	// firstOfGitHub is where npm's numbers are those of its copy of GitHub's advisories,
	// which change each time that one is edited.
	firstOfGitHub = 1_000_000
)

// NodeSecurity is the name of an advisory by its number at the Node Security Platform,
// whose catalogue npm went on with; "" when the number is none of that catalogue.
//
// The Node.js security group began its list (NSWG-ECO) as a copy of the platform's, and numbered
// on by itself: up to 356 both are one, and after it one number is two advisories.
func NodeSecurity(number string) string {
	n, err := strconv.Atoi(strings.TrimSpace(number))
	switch {
	case err != nil || n <= 0 || n >= firstOfGitHub:
		return ""
	case n <= lastShared:
		return "NSWG-ECO-" + strconv.Itoa(n)
	}
	return "NSP-" + strconv.Itoa(n)
}

var (
	atLeast = regexp.MustCompile(`^(?:>=|\^|~|=)?\s*v?(\d+(?:\.\d+)*(?:-[\w.-]+)?)(?:\s|<|$)`)
	below   = regexp.MustCompile(`(?:^|[^<>=])<\s*v?(\d+(?:\.\d+)*(?:-[\w.-]+)?)\s*$`)
)

// Patched chooses the version to go to out of npm's range of those in which something is
// fixed: ">= 2.6.9 < 3.0.0 || >= 3.1.0". It is "" when the range names none ("<0.0.0").
func Patched(current, versions string) string {
	return Fix(current, bounds(atLeast, versions))
}

// Unaffected is the version that is just above npm's range of those that are affected; ""
// when the range has no end, has several, or ends in a version that is affected itself.
func Unaffected(versions string) string {
	if ends := bounds(below, versions); len(ends) == 1 && !strings.Contains(versions, "||") {
		return ends[0]
	}
	return ""
}

// bounds are what an expression finds in each of the alternatives of a range.
func bounds(x *regexp.Regexp, versions string) []string {
	if len(versions) > 2000 {
		return nil
	}
	var out []string
	for one := range strings.SplitSeq(versions, "||") {
		if m := x.FindStringSubmatch(strings.TrimSpace(one)); m != nil {
			out = append(out, m[1])
		}
	}
	return out
}
