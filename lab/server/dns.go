// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"crypto"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// Zone is one DNS zone that a Nameserver is responsible for.
type Zone struct {
	Domain string            // corp.example
	Server string            // address of its name server
	Hosts  map[string]string // short name → address
	Has    Flaws
	now    uint32
	key    *dns.DNSKEY
	signer crypto.Signer
}

// Nameserver is authoritative for its zones and, so that names which do not
// exist are known not to exist, for the rest of the top-level domain example.
type Nameserver struct {
	zones []*Zone
}

// NewNameserver makes the zones' signing keys.
func NewNameserver(now time.Time, zones ...*Zone) (*Nameserver, error) {
	for _, z := range zones {
		z.now = uint32(now.Unix()) // #nosec G115 -- DNSSEC times are 32 bit by definition (RFC 4034, section 3.1.5)
		z.key = &dns.DNSKEY{
			Hdr:   dns.RR_Header{Name: dns.Fqdn(z.Domain), Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 300},
			Flags: 257, Protocol: 3, Algorithm: dns.ECDSAP256SHA256,
		}
		private, err := z.key.Generate(256)
		if err != nil {
			return nil, fmt.Errorf("make signing key of %q: %w", z.Domain, err)
		}
		signer, ok := private.(crypto.Signer)
		if !ok {
			return nil, fmt.Errorf("make signing key of %q: %T cannot sign", z.Domain, private)
		}
		z.signer = signer
	}
	return &Nameserver{zones: zones}, nil
}

// Serve answers on both sockets until stop is called.
func (n *Nameserver) Serve(ln net.Listener, pc net.PacketConn) (stop func()) {
	var up, done sync.WaitGroup
	// Who has not asked after this time is no resolver; scanners learn it sooner.
	const patience = 500 * time.Millisecond
	servers := []*dns.Server{{Listener: ln, ReadTimeout: patience}, {PacketConn: pc}}
	for _, s := range servers {
		s.Handler = dns.HandlerFunc(n.answer)
		up.Add(1)
		s.NotifyStartedFunc = up.Done
		done.Go(func() {
			if s.ActivateAndServe() != nil {
				_ = ln.Close()
				_ = pc.Close()
			}
		})
	}
	up.Wait()
	return func() {
		for _, s := range servers {
			_ = s.Shutdown()
		}
		done.Wait()
	}
}

func (n *Nameserver) answer(w dns.ResponseWriter, q *dns.Msg) {
	m := new(dns.Msg)
	m.SetReply(q)
	if len(q.Question) != 1 {
		m.Rcode = dns.RcodeFormatError
		_ = w.WriteMsg(m)
		return
	}
	name, kind := strings.ToLower(q.Question[0].Name), q.Question[0].Qtype
	var zone *Zone
	for _, z := range n.zones {
		if dns.IsSubDomain(dns.Fqdn(z.Domain), name) {
			zone = z
		}
	}
	m.Authoritative = true
	switch {
	case zone == nil && dns.IsSubDomain("example.", name):
		m.Rcode = dns.RcodeNameError
		m.Ns = []dns.RR{soa("example.", "ns1.example.", 1)}
	case zone == nil:
		m.Authoritative, m.Rcode = false, dns.RcodeRefused
	case kind == dns.TypeAXFR || kind == dns.TypeIXFR:
		_, tcp := w.RemoteAddr().(*net.TCPAddr)
		if !tcp || !zone.has("axfr") || name != dns.Fqdn(zone.Domain) {
			m.Authoritative, m.Rcode = false, dns.RcodeRefused
			break
		}
		records := zone.records()
		m.Answer = append(records, records[0]) // a transfer ends with the SOA it began with (RFC 5936, section 2.2)
	default:
		zone.fill(m, name, kind)
	}
	if opt := q.IsEdns0(); opt != nil {
		m.SetEdns0(1232, opt.Do())
		if opt.Do() && zone != nil && zone.signed() {
			zone.sign(m)
		}
	}
	if _, udp := w.RemoteAddr().(*net.UDPAddr); udp {
		size := dns.MinMsgSize
		if opt := q.IsEdns0(); opt != nil {
			size = max(size, min(int(opt.UDPSize()), 1232))
		}
		m.Truncate(size)
	}
	_ = w.WriteMsg(m)
}

func (z *Zone) has(what string) bool { return z.Has(z.Domain + "." + what) }
func (z *Zone) signed() bool         { return !z.has("unsigned") }

func (z *Zone) fill(m *dns.Msg, name string, kind uint16) {
	exists := false
	records := z.records()
	for hops := 0; hops < 4; hops++ {
		next := ""
		for _, rr := range records {
			h := rr.Header()
			if h.Name != name {
				exists = exists || strings.HasSuffix(h.Name, "."+name)
				continue
			}
			exists = true
			if c, ok := rr.(*dns.CNAME); ok && kind != dns.TypeCNAME {
				next = c.Target
			}
			if h.Rrtype == kind || kind == dns.TypeANY || h.Rrtype == dns.TypeCNAME {
				m.Answer = append(m.Answer, rr)
			}
		}
		if next == "" || !dns.IsSubDomain(dns.Fqdn(z.Domain), next) {
			break
		}
		name, exists = next, false
	}
	if !exists {
		m.Rcode = dns.RcodeNameError
	}
	if len(m.Answer) == 0 || m.Rcode == dns.RcodeNameError {
		m.Ns = append(m.Ns, records[0])
	}
}

// records is the whole zone as it is now, SOA first.
func (z *Zone) records() []dns.RR {
	apex := dns.Fqdn(z.Domain)
	head := func(name string, kind uint16) dns.RR_Header {
		return dns.RR_Header{Name: name, Rrtype: kind, Class: dns.ClassINET, Ttl: 300}
	}
	txt := func(name, text string) dns.RR { return &dns.TXT{Hdr: head(name, dns.TypeTXT), Txt: []string{text}} }
	rrs := []dns.RR{
		soa(apex, "ns1."+apex, z.now),
		&dns.NS{Hdr: head(apex, dns.TypeNS), Ns: "ns1." + apex},
		&dns.MX{Hdr: head(apex, dns.TypeMX), Preference: 10, Mx: "mail." + apex},
		&dns.CAA{Hdr: head(apex, dns.TypeCAA), Tag: "issue", Value: "authority.example"},
		&dns.A{Hdr: head("ns1."+apex, dns.TypeA), A: net.ParseIP(z.Server).To4()},
	}
	names := make([]string, 0, len(z.Hosts))
	for name := range z.Hosts {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if name != "ns1" {
			rrs = append(rrs, &dns.A{Hdr: head(name+"."+apex, dns.TypeA), A: net.ParseIP(z.Hosts[name]).To4()})
		}
	}
	switch {
	case z.has("spf-open"):
		rrs = append(rrs, txt(apex, "v=spf1 mx +all"))
	case !z.has("no-spf"):
		rrs = append(rrs, txt(apex, "v=spf1 mx -all"))
	}
	switch {
	case z.has("dmarc-none"):
		rrs = append(rrs, txt("_dmarc."+apex, "v=DMARC1; p=none; rua=mailto:dmarc@"+z.Domain))
	case !z.has("no-dmarc"):
		rrs = append(rrs, txt("_dmarc."+apex, "v=DMARC1; p=reject; rua=mailto:dmarc@"+z.Domain))
	}
	if z.has("dangling") {
		rrs = append(rrs, &dns.CNAME{Hdr: head("dev."+apex, dns.TypeCNAME), Target: "corp-dev-417.apps.hosting.example."})
	}
	if z.signed() {
		rrs = append(rrs, z.key)
	}
	return rrs
}

// sign adds a signature to each record set of the answer and authority sections (RFC 4035, section 3.1).
func (z *Zone) sign(m *dns.Msg) {
	for _, section := range []*[]dns.RR{&m.Answer, &m.Ns} {
		sets := map[string][]dns.RR{}
		var order []string
		for _, rr := range *section {
			id := rr.Header().Name + " " + dns.TypeToString[rr.Header().Rrtype]
			if sets[id] == nil {
				order = append(order, id)
			}
			sets[id] = append(sets[id], rr)
		}
		for _, id := range order {
			sig := &dns.RRSIG{
				Hdr:       dns.RR_Header{Name: sets[id][0].Header().Name, Rrtype: dns.TypeRRSIG, Class: dns.ClassINET, Ttl: 300},
				Algorithm: z.key.Algorithm, KeyTag: z.key.KeyTag(), SignerName: dns.Fqdn(z.Domain),
				Inception: z.now - 3600, Expiration: z.now + 14*24*3600,
			}
			if sig.Sign(z.signer, sets[id]) == nil {
				*section = append(*section, sig)
			}
		}
	}
}

func soa(apex, server string, serial uint32) dns.RR {
	return &dns.SOA{
		Hdr: dns.RR_Header{Name: apex, Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: 300},
		Ns:  server, Mbox: "hostmaster." + apex, Serial: serial, Refresh: 7200, Retry: 3600, Expire: 1209600, Minttl: 300,
	}
}
