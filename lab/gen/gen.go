// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package gen makes up estates of any size, and writes what scanners would
// report of them: Nessus v2 and SARIF 2.1.0. It is for benchmarks and for trying
// Gyre at scale. Nothing in it is real: hosts are in 10.0.0.0/8 and example.com, and the
// CVE numbers are made up.
//
// internal/cli and tests may import it; nothing else of Gyre does. Invariants:
//   - The same options give the same bytes.
//   - A report is written as a stream: memory depends on the catalogue of
//     weaknesses, which grows slowly, and not on the number of findings.
//   - The estate is skewed as real ones are: a few packages are on most hosts and
//     a few weaknesses everywhere; most hosts have some dozen findings and a few have
//     hundreds; one finding in twelve is seen by a second tool or plugin as well.
//   - A second version (Changed) differs in that share of findings: each of them is
//     gone, and another weakness is there instead. All else is the same to the byte.
package gen

import (
	"bufio"
	"io"
	"strings"

	"github.com/gyre-ctem/gyre"
)

// Options say what to make up.
type Options struct {
	Format   string  // one of Formats
	Findings int     // that the report holds; information is not counted
	Seed     uint64  // another estate for each
	Changed  float64 // percentage of findings that differ from the estate's first version
	PerHost  int     // findings of the smaller hosts, 0: 20; the mean is about twice that
	Packages int     // in the catalogue, each with about six weaknesses; 0: as many as the findings call for
}

var formats = map[string]func(*writer, *estate) error{"nessus": writeNessus, "sarif": writeSARIF}

// Formats are the formats that can be written.
func Formats() []string { return []string{"nessus", "sarif"} }

// MaxFindings is the most that one report can hold.
const MaxFindings = 100_000_000

// MaxPackages is the most that a catalogue can hold.
const MaxPackages = 50_000

// Write writes one report.
func Write(w io.Writer, o Options) error {
	write := formats[o.Format]
	switch {
	case write == nil:
		return gyre.FieldErrorf(gyre.Invalid, "format", "%q is none of %s", o.Format, strings.Join(Formats(), ", "))
	case o.Findings < 0 || o.Findings > MaxFindings:
		return gyre.FieldErrorf(gyre.Invalid, "findings", "%d is not 0 to %d", o.Findings, MaxFindings)
	case o.PerHost < 0 || o.PerHost > maxPerHost:
		return gyre.FieldErrorf(gyre.Invalid, "per_host", "%d is not 0 to %d", o.PerHost, maxPerHost)
	case o.Packages < 0 || o.Packages > MaxPackages:
		return gyre.FieldErrorf(gyre.Invalid, "packages", "%d is not 0 to %d", o.Packages, MaxPackages)
	case !(o.Changed >= 0 && o.Changed <= 100):
		return gyre.FieldErrorf(gyre.Invalid, "changed", "%v is no percentage", o.Changed)
	}
	out := &writer{w: bufio.NewWriterSize(w, 64<<10)}
	if err := write(out, newEstate(o)); err != nil {
		return err
	}
	if out.err != nil {
		return out.err
	}
	return out.w.Flush()
}

// writer keeps the first error.
type writer struct {
	w   *bufio.Writer
	err error
}

func (w *writer) put(parts ...string) {
	for _, p := range parts {
		if w.err == nil {
			_, w.err = w.w.WriteString(p)
		}
	}
}

// dice is splitmix64: small, and the same for ever.
type dice uint64

// roll makes dice out of what they are for.
func roll(parts ...uint64) dice {
	d := dice(0x9e3779b97f4a7c15)
	for _, p := range parts {
		d = dice(d.next() ^ p)
	}
	return d
}

func (d *dice) next() uint64 {
	*d += 0x9e3779b97f4a7c15
	z := uint64(*d)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below is 0 to n-1.
func (d *dice) below(n int) int { return int(d.next() >> 11 % uint64(n)) } // #nosec -- 53 bits

// share is 0 to 1, without 1.
func (d *dice) share() float64 { return float64(d.next()>>11) / (1 << 53) }

func pick(d *dice, words []string) string { return words[d.below(len(words))] }
