// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package gen

import (
	"fmt"
	"math"
	"strconv"
)

// estate is what is made up, as rules and not as a list.
type estate struct {
	Options
	packages []software
	flaws    int // in all packages
}

// software is a package of the catalogue.
type software struct {
	name  string
	first int // number of its first flaw
	flaws int // ordered by age: an old version has all of them, the newest none
	port  int // where it listens; 0: it is known by its package only
	svc   string
}

// sight is one finding on one host.
type sight struct {
	pkg   *software
	flaw  flaw
	again bool // a second tool's sight of the one before
}

// flaw is a weakness of the catalogue.
type flaw struct {
	number  int
	changed bool // the one that took the place of the number's own
}

const (
	minPackages, maxPackages = 300, 5000
	maxFlaws                 = 40 // of one package
	maxPerHost               = 800
	oneInTwin                = 12
)

func newEstate(o Options) *estate {
	e := &estate{Options: o}
	packages := min(maxPackages, minPackages+o.Findings/500)
	if o.Packages > 0 {
		packages = o.Packages
	}
	e.packages = make([]software, packages)
	for i := range e.packages {
		d := roll(1, uint64(i)) // #nosec -- an index
		p := &e.packages[i]
		p.name = pick(&d, nouns) + pick(&d, endings) + strconv.Itoa(i)
		p.first = e.flaws
		// Most packages have a few flaws; every eighth has many.
		if p.flaws = 1 + d.below(6); d.below(8) == 0 {
			p.flaws = 10 + d.below(maxFlaws-10)
		}
		e.flaws += p.flaws
		if d.below(10) < 3 {
			s := listening[d.below(len(listening))]
			p.port, p.svc = s.port, s.name
		}
	}
	return e
}

var listening = []struct {
	port int
	name string
}{{22, "ssh"}, {80, "www"}, {443, "www"}, {443, "www"}, {8080, "www"}, {25, "smtp"}, {3306, "mysql"}, {5432, "postgresql"}, {389, "ldap"}}

// each calls fn for every host with what is to be seen there, until the number
// of findings is reached. The slice is used again for the next host.
func (e *estate) each(fn func(host int, sights []sight) error) error {
	var sights []sight
	for host, left := 0, e.Findings; left > 0; host++ {
		sights = e.host(host, left, sights[:0])
		left -= len(sights)
		if err := fn(host, sights); err != nil {
			return err
		}
	}
	return nil
}

func (e *estate) host(host, atMost int, sights []sight) []sight {
	d := roll(2, e.Seed, uint64(host)) // #nosec -- an index
	// A Pareto distribution: a dozen or two for most, hundreds for a few.
	least := 20.0
	if e.PerHost > 0 {
		least = float64(e.PerHost)
	}
	want := min(atMost, maxPerHost, int(least*math.Pow(1-d.share(), -1/1.8)))
	has := map[int]bool{}
	for len(sights) < want && len(has) < len(e.packages) {
		// Each next package is about as rare as its number: Zipf's law.
		i := int(math.Pow(float64(len(e.packages)+1), d.share())) - 1
		for has[i] {
			i = (i + 1) % len(e.packages)
		}
		has[i] = true
		p := &e.packages[i]
		for j := range 1 + d.below(p.flaws) {
			f := flaw{number: p.first + j}
			again := d.below(oneInTwin) == 0
			if c := roll(3, e.Seed, uint64(host), uint64(f.number)); e.Changed > 0 && 100*c.share() < e.Changed { // #nosec -- indexes
				f.changed = true
			}
			for range 2 {
				if len(sights) < want {
					sights = append(sights, sight{pkg: p, flaw: f, again: len(sights) > 0 && sights[len(sights)-1].flaw == f})
				}
				if !again {
					break
				}
			}
		}
	}
	return sights
}

func hostName(n int) string    { return fmt.Sprintf("host-%06d.example.com", n) }
func hostAddress(n int) string { return fmt.Sprintf("10.%d.%d.%d", n>>16&255, n>>8&255, n&255) }

func hostMachine(seed uint64, n int) string {
	d := roll(4, seed, uint64(n)) // #nosec -- an index
	a, b := d.next(), d.next()
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", a>>32, a>>16&0xffff, a&0xffff, b>>48, b&0xffffffffffff)
}

// What is known of a flaw, out of its number alone.
func (f flaw) dice(what uint64) dice {
	n := uint64(f.number) * 2 // #nosec -- an index
	if f.changed {
		n++
	}
	return roll(5, n, what)
}

// cve is "" for one in eleven: a setting and no bug.
func (f flaw) cve() string {
	if f.number%11 == 10 {
		return ""
	}
	d := f.dice(1)
	n := 100_000 + f.number
	if f.changed {
		n += 500_000
	}
	return fmt.Sprintf("CVE-%d-%d", 2014+d.below(13), n)
}

func (f flaw) plugin(again bool) int {
	n := 200_000 + 4*f.number
	if f.changed {
		n += 2
	}
	if again {
		n++
	}
	return n
}

// score is a CVSS base score: most are in the middle, few at the end.
func (f flaw) score() float64 {
	d := f.dice(2)
	return math.Round(10*min(10, 2+2.7*(d.share()+d.share()+d.share()))) / 10
}

func (f flaw) severity() int {
	switch s := f.score(); {
	case s >= 9:
		return 4
	case s >= 7:
		return 3
	case s >= 4:
		return 2
	}
	return 1
}

func (f flaw) fixed() string {
	d := f.dice(3)
	return fmt.Sprintf("%d.%d.%d", 1+d.below(9), d.below(20), d.below(30))
}

func (f flaw) kind() string { d := f.dice(4); return pick(&d, kinds) }

func (f flaw) title(p *software) string { return p.name + " < " + f.fixed() + " " + f.kind() }

func (f flaw) description(p *software) string {
	d := f.dice(5)
	return fmt.Sprintf("Before %s, %s does not %s when it %s. %s %s", f.fixed(), p.name, pick(&d, omits), pick(&d, doing), pick(&d, reach), pick(&d, effect))
}

var (
	nouns   = []string{"ember", "falcon", "garnet", "harbor", "indigo", "juniper", "kestrel", "lumen", "marble", "nimbus", "orchid", "pebble", "quartz", "raven", "saffron", "tundra"}
	endings = []string{"d", "lib", "-server", "-core", "-utils", "ssl", "-proxy", "db", "-agent", "-tools", "xml", "-auth"}
	kinds   = []string{"Remote Code Execution", "Denial of Service", "Information Disclosure", "Privilege Escalation", "Buffer Overflow", "Authentication Bypass", "Path Traversal", "Request Smuggling"}
	omits   = []string{"check the length of a field", "verify who asks", "release memory", "limit how deep input nests", "escape what it writes", "compare in constant time", "follow links safely", "reset its state"}
	doing   = []string{"reads a request's headers", "unpacks an archive", "renews a session", "parses a certificate", "merges two configurations", "answers a malformed query", "resumes an upload", "writes its log"}
	reach   = []string{"Whoever reaches the port can use this.", "A signed-in user can use this.", "A prepared file is enough.", "It takes a position in between.", "It needs no account."}
	effect  = []string{"The process ends, and with it the service for everybody else, until somebody starts it again.", "Memory of other requests is sent back, which may hold passwords and keys.", "Commands run with the rights of the service.", "Files outside the folder that is served can be read.", "Somebody else's session is taken over."}
)
