// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package dns

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"unicode"

	"github.com/miekg/dns"
	"golang.org/x/net/publicsuffix"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
)

// zone is one domain while it is examined.
type zone struct {
	scope    gyre.Scope
	domain   string
	apex     string // of the zone that holds it
	own      bool   // the server is the target's
	only     string // locus of a retest
	log      *slog.Logger
	progress plugin.Progress
	asker    *asker

	ref     gyre.Ref
	exists  bool
	batch   gyre.Batch
	loci    []string
	report  plugin.Report
	related map[string]bool
}

// examine asks everything. Its error is the end of the run; a question without
// an answer is only a limit.
func (z *zone) examine(ctx context.Context) error {
	if err := z.start(ctx); err != nil || !z.exists {
		return err
	}
	parts := []struct {
		locus string
		ask   func(context.Context) error
	}{
		{"dns/SPF", z.spf},
		{"dns/DMARC", z.dmarc},
		{"dns/MX", z.mx},
		{"dns/CAA", z.caa},
		{"dns/DNSSEC", z.dnssec},
	}
	for i, p := range parts {
		z.progress(i, len(parts)+2, p.locus)
		if !z.wants(p.locus) {
			continue
		}
		if err := z.note(ctx, p.locus, p.ask(ctx)); err != nil {
			return err
		}
	}
	z.progress(len(parts), len(parts)+2, "dns/AXFR")
	records, whole, err := z.axfr(ctx)
	if err != nil {
		return err
	}
	z.progress(len(parts)+1, len(parts)+2, "dns/CNAME")
	if err := z.names(ctx, records, whole); err != nil {
		return err
	}
	z.progress(len(parts)+2, len(parts)+2, "")
	return nil
}

// start finds the zone's apex and sees that the server knows the domain.
func (z *zone) start(ctx context.Context) error {
	m, err := z.asker.ask(ctx, z.domain, dns.TypeSOA)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if e, ok := errors.AsType[*gyre.Error](err); ok {
			return e
		}
		return gyre.Errorf(gyre.Unavailable, "no name server of %s answers: %w", z.domain, err)
	}
	if !answers(m) {
		z.limit("the name server says %s to %s: nothing could be learned", dns.RcodeToString[m.Rcode], z.domain)
		return nil
	}
	if m.Rcode == dns.RcodeNameError {
		z.limit("%s does not exist", z.domain)
		return nil
	}
	z.exists = true
	for _, rr := range slices.Concat(m.Answer, m.Ns) {
		if soa, ok := rr.(*dns.SOA); ok && dns.IsSubDomain(soa.Hdr.Name, dns.Fqdn(z.domain)) {
			z.apex = plain(soa.Hdr.Name)
		}
	}
	return nil
}

func (z *zone) wants(locus string) bool { return z.only == "" || z.only == locus }

func (z *zone) limit(format string, args ...any) {
	if len(z.report.Limits) < 40 {
		z.report.Limits = append(z.report.Limits, fmt.Sprintf(format, args...))
	}
}

// note turns a question without an answer into a limit; only the end of the
// run, or a guard that lets nothing through any more, goes on.
func (z *zone) note(ctx context.Context, what string, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	if e, ok := errors.AsType[*gyre.Error](err); ok && e.Code == gyre.Forbidden {
		return e
	}
	z.limit("%s: %v", what, err)
	return nil
}

func (z *zone) fact(locus string, data map[string]any) {
	z.batch.Facts = append(z.batch.Facts, gyre.Fact{Asset: z.ref, Aspect: gyre.AspectDNS, Locus: locus, Data: data})
	z.covered(locus)
}

func (z *zone) covered(locus string) {
	if z.only == "" || z.only == locus {
		z.loci = append(z.loci, locus)
	}
}

// answers says whether a message says something about its question: records, or
// that there are none, by a server that knows (authoritative or recursive).
func answers(m *dns.Msg) bool {
	switch m.Rcode {
	case dns.RcodeSuccess:
		return len(m.Answer) > 0 || m.Authoritative || m.RecursionAvailable
	case dns.RcodeNameError:
		return m.Authoritative || m.RecursionAvailable
	}
	return false
}

// query asks and insists on an answer that says something.
func (z *zone) query(ctx context.Context, name string, kind uint16) (*dns.Msg, error) {
	m, err := z.asker.ask(ctx, name, kind)
	if err != nil {
		return nil, err
	}
	if !answers(m) {
		return nil, fmt.Errorf("the name server says %s to %s", dns.RcodeToString[m.Rcode], name)
	}
	return m, nil
}

// texts are the TXT records of a name, each with its strings joined.
func (z *zone) texts(ctx context.Context, name string) ([]string, error) {
	m, err := z.query(ctx, name, dns.TypeTXT)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, rr := range m.Answer {
		if t, ok := rr.(*dns.TXT); ok {
			all = append(all, printable(strings.Join(t.Txt, "")))
		}
	}
	return all, nil
}

// spf reads the domain's policy (RFC 7208). all is the qualifier of its last
// resort, "" when there is none.
func (z *zone) spf(ctx context.Context) error {
	all, err := z.texts(ctx, z.domain)
	if err != nil {
		return err
	}
	data := map[string]any{"domain": z.domain, "present": false}
	for _, t := range all {
		words := strings.Fields(strings.ToLower(t))
		if len(words) == 0 || words[0] != "v=spf1" {
			continue
		}
		data["present"], data["record"], data["all"] = true, t, ""
		for _, w := range words[1:] {
			switch w {
			case "all", "+all":
				data["all"] = "+all"
			case "-all", "~all", "?all":
				data["all"] = w
			}
		}
		break
	}
	z.fact("dns/SPF", data)
	return nil
}

// dmarc reads the policy of the domain, or the one that it inherits from its
// organisation's domain (RFC 7489, section 6.6.3).
func (z *zone) dmarc(ctx context.Context) error {
	record, err := z.dmarcAt(ctx, z.domain)
	if err != nil {
		return err
	}
	inherited := false
	if org, oerr := publicsuffix.EffectiveTLDPlusOne(z.domain); record == "" && oerr == nil && org != z.domain {
		if record, err = z.dmarcAt(ctx, org); err != nil {
			return fmt.Errorf("the policy that may be inherited from %s: %w", org, err)
		}
		inherited = true
	}
	data := map[string]any{"domain": z.domain, "present": record != ""}
	if record != "" {
		tags := map[string]string{}
		for part := range strings.SplitSeq(record, ";") {
			k, v, _ := strings.Cut(part, "=")
			tags[strings.ToLower(strings.TrimSpace(k))] = strings.ToLower(strings.TrimSpace(v))
		}
		data["record"], data["policy"] = record, tags["p"]
		if inherited && tags["sp"] != "" {
			data["policy"] = tags["sp"]
		}
	}
	z.fact("dns/DMARC", data)
	return nil
}

func (z *zone) dmarcAt(ctx context.Context, domain string) (string, error) {
	all, err := z.texts(ctx, "_dmarc."+domain)
	for _, t := range all {
		if tag, _, _ := strings.Cut(t, ";"); strings.EqualFold(strings.ReplaceAll(tag, " ", ""), "v=dmarc1") {
			return t, err
		}
	}
	return "", err
}

func (z *zone) mx(ctx context.Context) error {
	m, err := z.query(ctx, z.domain, dns.TypeMX)
	if err != nil {
		return err
	}
	records := []any{}
	for _, rr := range m.Answer {
		if mx, ok := rr.(*dns.MX); ok && len(records) < 50 {
			records = append(records, fmt.Sprintf("%d %s", mx.Preference, plain(mx.Mx)))
		}
	}
	z.fact("dns/MX", map[string]any{"domain": z.domain, "records": records})
	return nil
}

// caa climbs from the domain to its organisation's domain (RFC 8659, section 3).
func (z *zone) caa(ctx context.Context) error {
	org, err := publicsuffix.EffectiveTLDPlusOne(z.domain)
	if err != nil {
		org = z.domain
	}
	for name := z.domain; ; {
		m, err := z.query(ctx, name, dns.TypeCAA)
		if err != nil {
			return err
		}
		present := slices.ContainsFunc(m.Answer, func(rr dns.RR) bool { _, ok := rr.(*dns.CAA); return ok })
		_, parent, more := strings.Cut(name, ".")
		if present || name == org || !more {
			z.fact("dns/CAA", map[string]any{"domain": z.domain, "present": present})
			return nil
		}
		name = parent
	}
}

// dnssec: the zone has keys, and an answer comes with a signature (RFC 4035).
func (z *zone) dnssec(ctx context.Context) error {
	m, err := z.query(ctx, z.apex, dns.TypeDNSKEY)
	if err != nil {
		return err
	}
	key := slices.ContainsFunc(m.Answer, func(rr dns.RR) bool { _, ok := rr.(*dns.DNSKEY); return ok })
	sig := slices.ContainsFunc(m.Answer, func(rr dns.RR) bool { _, ok := rr.(*dns.RRSIG); return ok })
	z.fact("dns/DNSSEC", map[string]any{"domain": z.domain, "signed": key && sig})
	return nil
}

// plain is a name in Gyre's normal form.
func plain(name string) string { return printable(strings.ToLower(strings.TrimSuffix(name, "."))) }

// printable keeps what people can read, at most 1 KiB.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, s)
	if len(s) > 1024 {
		s = strings.ToValidUTF8(s[:1024], "")
	}
	return strings.TrimSpace(s)
}
