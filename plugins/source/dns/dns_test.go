// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package dns_test

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"
	"go.uber.org/goleak"
	"golang.org/x/time/rate"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/scope"
	"github.com/gyre-ctem/gyre/plugin"
	"github.com/gyre-ctem/gyre/plugin/plugintest"
	source "github.com/gyre-ctem/gyre/plugins/source/dns"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// nameserver is authoritative for everything below example.
type nameserver struct {
	mu      sync.Mutex
	records []dns.RR
	axfr    bool
	silent  []string // names that get no answer
	fails   []string // names that get SERVFAIL
	asked   []string
}

func newNameserver(t testing.TB, zone string) *nameserver {
	t.Helper()
	n := &nameserver{}
	p := dns.NewZoneParser(strings.NewReader(zone), "corp.example.", "")
	for rr, ok := p.Next(); ok; rr, ok = p.Next() {
		n.records = append(n.records, rr)
	}
	if err := p.Err(); err != nil {
		t.Fatal(err)
	}
	return n
}

// serve answers over UDP and TCP and returns the address.
func (n *nameserver) serve(t testing.TB) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.21.53:0")
	if err != nil {
		t.Fatal(err)
	}
	pc, err := net.ListenPacket("udp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	var up, down sync.WaitGroup
	for _, s := range []*dns.Server{{Listener: ln}, {PacketConn: pc}} {
		s.Handler = dns.HandlerFunc(n.answer)
		s.MsgAcceptFunc = func(dns.Header) dns.MsgAcceptAction { return dns.MsgAccept }
		up.Add(1)
		s.NotifyStartedFunc = up.Done
		down.Go(func() { _ = s.ActivateAndServe() })
		t.Cleanup(func() { _ = s.Shutdown() })
	}
	up.Wait()
	t.Cleanup(func() {
		_ = ln.Close()
		_ = pc.Close()
		down.Wait()
	})
	return ln.Addr().String()
}

func (n *nameserver) answer(w dns.ResponseWriter, q *dns.Msg) {
	n.mu.Lock()
	defer n.mu.Unlock()
	m := new(dns.Msg)
	m.SetReply(q)
	name, kind := strings.ToLower(q.Question[0].Name), q.Question[0].Qtype
	n.asked = append(n.asked, name)
	m.Authoritative = true
	switch {
	case slices.Contains(n.silent, name):
		return
	case slices.Contains(n.fails, name):
		m.Rcode, m.Authoritative = dns.RcodeServerFailure, false
	case kind == dns.TypeAXFR && !n.axfr, !dns.IsSubDomain("example.", name):
		m.Rcode, m.Authoritative = dns.RcodeRefused, false
	case kind == dns.TypeAXFR:
		m.Answer = append(slices.Clone(n.records), n.records[0])
	default:
		exists := false
		for _, rr := range n.records {
			owner := rr.Header().Name
			wild := strings.HasPrefix(owner, "*.") && strings.HasSuffix(name, owner[1:])
			exists = exists || owner == name || wild || strings.HasSuffix(owner, "."+name)
			if (owner == name || wild) && (rr.Header().Rrtype == kind || rr.Header().Rrtype == dns.TypeCNAME) {
				rr = dns.Copy(rr)
				rr.Header().Name = name
				m.Answer = append(m.Answer, rr)
			}
		}
		if !exists {
			m.Rcode = dns.RcodeNameError
		}
	}
	_ = w.WriteMsg(m)
}

type seen struct {
	batch  gyre.Batch
	facts  map[string]map[string]any
	report plugin.Report
}

func (s *seen) covers(locus string) bool {
	return slices.ContainsFunc(s.batch.Coverage, func(c gyre.Coverage) bool {
		return slices.ContainsFunc(c.Loci, func(l string) bool {
			prefix, open := strings.CutSuffix(l, "*")
			return l == locus || open && strings.HasPrefix(locus, prefix)
		})
	})
}

func look(ctx context.Context, t testing.TB, server string, only *plugin.Place, change func(*gyre.Scope)) (*seen, error) {
	t.Helper()
	s := gyre.Scope{Name: "s", Intensity: gyre.IntensityNormal, Targets: []gyre.Target{
		{Domain: "corp.example", Nameserver: server, Zone: gyre.ZoneInternet},
		{CIDR: "127.0.21.0/24", Ports: "1", Zone: gyre.ZoneDMZ},
	}}
	if change != nil {
		change(&s)
	}
	g, err := scope.NewGuard(s, scope.GuardOptions{Limiter: rate.NewLimiter(rate.Inf, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	got := &seen{facts: map[string]map[string]any{}}
	contract := &plugintest.Collector{}
	defer contract.Check(t)
	got.report, err = source.New().Run(ctx, plugin.Request{Scope: s, Target: s.Targets[0], Guard: g, Only: only},
		func(ctx context.Context, b *gyre.Batch) error {
			if err := contract.Emit(ctx, b); err != nil {
				return err
			}
			got.batch = *b
			for _, f := range b.Facts {
				got.facts[f.Locus] = f.Data
			}
			return nil
		})
	return got, err
}

const weakZone = `@ 300 SOA ns1 hostmaster 1 7200 3600 1209600 300
@ 300 NS ns1
@ 300 MX 10 mail
@ 300 TXT "v=spf1 mx " "+all"
_dmarc 300 TXT "v=DMARC1; p=none; rua=mailto:a@corp.example"
ns1 300 A 127.0.21.53
www 300 A 127.0.21.11
elsewhere 300 A 192.0.2.7
dev 300 CNAME gone.hosting.example.
blog 300 CNAME www
odd-name 300 CNAME also-gone.hosting.example.
cdn 300 CNAME x.cdn.invalid.
`

func TestContract(t *testing.T) {
	plugintest.TestSource(t, source.New(), gyre.Target{Domain: "corp.example", Nameserver: "127.0.21.53:5300"})
}

func TestWeakZone(t *testing.T) {
	n := newNameserver(t, weakZone)
	n.axfr = true
	server := n.serve(t)
	got, err := look(t.Context(), t, server, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]map[string]any{
		"dns/SPF":                         {"domain": "corp.example", "present": true, "record": "v=spf1 mx +all", "all": "+all"},
		"dns/DMARC":                       {"domain": "corp.example", "present": true, "record": "v=DMARC1; p=none; rua=mailto:a@corp.example", "policy": "none"},
		"dns/MX":                          {"domain": "corp.example", "records": []any{"10 mail.corp.example"}},
		"dns/CAA":                         {"domain": "corp.example", "present": false},
		"dns/DNSSEC":                      {"domain": "corp.example", "signed": false},
		"dns/AXFR":                        {"domain": "corp.example", "nameserver": server, "transfer_allowed": true, "records": int64(12)},
		"dns/CNAME/dev.corp.example":      {"domain": "corp.example", "name": "dev.corp.example", "target": "gone.hosting.example", "dangling": true},
		"dns/CNAME/blog.corp.example":     {"domain": "corp.example", "name": "blog.corp.example", "target": "www.corp.example", "dangling": false},
		"dns/CNAME/odd-name.corp.example": {"domain": "corp.example", "name": "odd-name.corp.example", "target": "also-gone.hosting.example", "dangling": true},
		"dns/CNAME/cdn.corp.example":      {"domain": "corp.example", "name": "cdn.corp.example", "target": "x.cdn.invalid"}, // refused: nobody knows
	}
	if diff := cmp.Diff(want, got.facts); diff != "" {
		t.Error(diff)
	}
	for locus, covered := range map[string]bool{
		"dns/SPF": true, "dns/AXFR": true, "dns/CNAME/dev.corp.example": true, "dns/CNAME/shop.corp.example": true,
		"dns/CNAME/cdn.corp.example": false, "dns/CNAME/never-heard-of.corp.example": false,
	} {
		if got.covers(locus) != covered {
			t.Errorf("%s covered: %v", locus, !covered)
		}
	}
	if d := got.batch.Assets[0]; d.Kind != gyre.Domain || d.Name != "corp.example" || d.Identifiers[0].Type != gyre.IDFQDN {
		t.Errorf("domain asset %+v", d)
	}
	var to []string
	for _, a := range got.batch.Assets[1:] {
		to = append(to, a.Identifiers[0].Value)
		if !a.KnownOnly || a.Zone != gyre.ZoneDMZ {
			t.Errorf("a name does not make a host: %+v", a)
		}
	}
	slices.Sort(to)
	if !slices.Equal(to, []string{"127.0.21.11", "127.0.21.53"}) || len(got.batch.Relations) != 2 {
		t.Errorf("resolves to %v by %v; only hosts in the scope count", to, got.batch.Relations)
	}
}

const soundZone = `@ 300 SOA ns1 hostmaster 1 7200 3600 1209600 300
@ 300 NS ns1
@ 300 TXT "v=spf1 -all"
@ 300 CAA 0 issue "authority.example"
_dmarc 300 TXT "v=DMARC1; p=reject"
ns1 300 A 127.0.21.53
* 300 CNAME shared.hosting.example.
`

func TestSoundZone(t *testing.T) {
	got, err := look(t.Context(), t, newNameserver(t, soundZone).serve(t), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if f := got.facts["dns/AXFR"]; f["transfer_allowed"] != false {
		t.Errorf("AXFR %v", f)
	}
	if got.facts["dns/CAA"]["present"] != true || got.facts["dns/SPF"]["all"] != "-all" || got.facts["dns/DMARC"]["policy"] != "reject" {
		t.Errorf("facts %v", got.facts)
	}
	for locus := range got.facts {
		if strings.HasPrefix(locus, "dns/CNAME/") {
			t.Errorf("a wildcard makes an alias of its own: %s", locus)
		}
	}
}

// TestSilence: no answer is no evidence.
func TestSilence(t *testing.T) {
	n := newNameserver(t, weakZone)
	n.silent = []string{"_dmarc.corp.example."}
	n.fails = []string{"dev.corp.example."}
	got, err := look(t.Context(), t, n.serve(t), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, locus := range []string{"dns/DMARC", "dns/CNAME/dev.corp.example"} {
		if got.facts[locus] != nil || got.covers(locus) {
			t.Errorf("%s: fact %v, covered %v, though nobody answered", locus, got.facts[locus], got.covers(locus))
		}
	}
	if !got.covers("dns/SPF") || len(got.report.Limits) < 2 || len(got.report.Problems) > 0 {
		t.Errorf("the rest is not covered, or nothing was said: %+v", got.report)
	}
}

func TestForeignZone(t *testing.T) {
	got, err := look(t.Context(), t, newNameserver(t, weakZone).serve(t), nil, func(s *gyre.Scope) { s.Targets[0].Domain = "other.invalid" })
	if err != nil || len(got.batch.Coverage) > 0 || len(got.report.Limits) != 1 {
		t.Errorf("a server that refuses: %v, %+v", err, got)
	}
}

func TestNobodyAnswers(t *testing.T) {
	if _, err := look(t.Context(), t, "127.0.21.54:5399", nil, nil); gyre.ErrorCode(err) != gyre.Unavailable {
		t.Errorf("got %v", err)
	}
}

func TestExclusions(t *testing.T) {
	n := newNameserver(t, weakZone)
	got, err := look(t.Context(), t, n.serve(t), nil, func(s *gyre.Scope) { s.Exclusions = []string{"*.dev.corp.example", "127.0.21.99"} })
	if err != nil || got.facts["dns/CNAME/dev.corp.example"] == nil {
		t.Errorf("what is not excluded is missing: %v %v", err, got.facts)
	}
	n.asked = nil
	got, err = look(t.Context(), t, n.serve(t), nil, func(s *gyre.Scope) { s.Exclusions = []string{"*.corp.example"} })
	if err != nil || got.facts["dns/CNAME/dev.corp.example"] != nil {
		t.Errorf("an excluded name was looked at: %v %v", err, got.facts)
	}
}

func TestRetest(t *testing.T) {
	n := newNameserver(t, weakZone)
	server := n.serve(t)
	place := &plugin.Place{Aspect: gyre.AspectDNS, Locus: "dns/CNAME/odd-name.corp.example", Asset: gyre.Asset{
		ID: 42, Name: "corp.example", Identifiers: []gyre.Identifier{{Type: gyre.IDFQDN, Value: "corp.example"}},
	}}
	got, err := look(t.Context(), t, server, place, nil)
	if err != nil {
		t.Fatal(err)
	}
	if f := got.facts[place.Locus]; len(got.facts) != 1 || f["dangling"] != true || len(got.batch.Assets) != 0 || got.batch.Facts[0].Asset != gyre.RefID(42) {
		t.Errorf("batch %+v", got.batch)
	}
	if c := got.batch.Coverage; len(c) != 1 || !slices.Equal(c[0].Loci, []string{place.Locus}) {
		t.Errorf("coverage %+v", c)
	}
	place.Locus = "dns/SPF"
	if got, err = look(t.Context(), t, server, place, nil); err != nil || len(got.facts) != 1 || got.facts["dns/SPF"] == nil || !got.covers("dns/SPF") {
		t.Errorf("SPF alone: %v %v", err, got.facts)
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := look(ctx, t, newNameserver(t, weakZone).serve(t), nil, nil); err == nil {
		t.Error("a run that was cancelled succeeded")
	}
}
