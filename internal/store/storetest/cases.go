// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"flag"
	"strconv"
	"testing"
)

// casesAsked says that the person who runs the tests chose the number of cases.
var casesAsked = func() func() bool {
	var asked, known bool
	return func() bool {
		if !known {
			known = true
			flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "rapid.checks" })
		}
		return asked
	}
}()

// fewest is how many cases a property tries at least, so that it says something.
const fewest = 5

// Cases is how many cases the properties of this test try from here on, each of
// which writes to a database: n, and with -short, by which rapid itself divides, a fifth
// of it or fewest. Who wants more says -rapid.checks=1000.
func Cases(tb testing.TB, n int) {
	tb.Helper()
	if casesAsked() {
		return
	}
	f := flag.Lookup("rapid.checks")
	if f == nil {
		tb.Fatal("this test has no properties")
	}
	if testing.Short() {
		n = 5 * max(n/5, fewest)
	}
	before := f.Value.String()
	if err := flag.Set("rapid.checks", strconv.Itoa(n)); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = flag.Set("rapid.checks", before) })
}
