// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package nessus

import (
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin/document"
)

// The limits of what is kept of one host.
const (
	maxFindings = 20_000
	maxHostText = 32 << 20
	maxNames    = 20
)

// host is what is known of the host that is being read.
type host struct {
	target string // as the scan was pointed at it
	ended  bool
	// When its scan began, by the scanner's clock and by the world's.
	startLocal, start time.Time
	dead              bool // given up without an answer

	fqdns, names []string
	rdns         string
	ip           string
	macs         []string
	uuid         string
	attributes   map[string]string

	credentialed string // what the scan says: "yes", "no", or "" for nothing
	localFailed  bool   // some plugin says that local checks did not run

	ports    map[string]*port // by locus
	order    []string         // loci in the order of the report
	findings []gyre.Finding
	local    []bool // findings that only credentials show
	at       map[place]int
	text     int // bytes of what the findings hold
	dropped  int
}

type place struct{ key, locus string }

var uuidPattern = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// property takes one HostProperties tag.
func (h *host) property(name, value string) {
	line := document.Line(value, 253)
	switch name {
	case "HOST_START_TIMESTAMP":
		h.start = document.Date(line)
	case "HOST_START":
		h.startLocal = document.Date(line, time.ANSIC)
	case "HOST_END":
		h.ended = line != ""
	case "host-ip":
		h.address(line)
	case "host-fqdn":
		h.name(line)
	case "host-rdns":
		h.rdns = hostname(line)
	case "netbios-name", "hostname":
		// NetBIOS names may carry the domain: DOMAIN\NAME.
		if n := hostname(line[strings.LastIndexByte(line, '\\')+1:]); n != "" && len(h.names) < maxNames && !slices.Contains(h.names, n) {
			h.names = append(h.names, n)
		}
	case "mac-address":
		for _, f := range strings.Fields(value) {
			if mac, err := net.ParseMAC(f); err == nil && len(mac) == 6 && len(h.macs) < maxNames && !slices.Contains(h.macs, mac.String()) {
				h.macs = append(h.macs, mac.String())
			}
		}
	case "bios-uuid":
		if id := strings.ToLower(strings.Trim(line, "{}")); uuidPattern.MatchString(id) {
			h.uuid = id
		}
	case "operating-system":
		// Several guesses stand on lines of their own; then it is not known.
		if !strings.Contains(strings.TrimSpace(value), "\n") {
			h.attribute("os", line)
		}
	case "system-type":
		h.attribute("system_type", line)
	case "Credentialed_Scan":
		if h.credentialed == "" {
			h.credentialed = map[string]string{"true": "yes", "false": "no"}[strings.ToLower(line)]
		}
	}
}

// began is when the host's scan began.
func (h *host) began() time.Time {
	if h.start.IsZero() {
		return h.startLocal
	}
	return h.start
}

func (h *host) attribute(key, value string) {
	if value == "" {
		return
	}
	if h.attributes == nil {
		h.attributes = map[string]string{}
	}
	h.attributes[key] = value
}

func (h *host) address(s string) bool {
	a, err := netip.ParseAddr(s)
	if err != nil {
		return false
	}
	if a = a.Unmap().WithZone(""); h.ip == "" && !a.IsUnspecified() {
		h.ip = a.String()
	}
	return true
}

// name takes a name that means the same everywhere when it has a dot; scans of
// web applications write a URL there.
func (h *host) name(s string) {
	if u, err := url.Parse(s); err == nil && u.Host != "" {
		s = u.Hostname()
	}
	if h.address(s) {
		return
	}
	n, list := hostname(s), &h.names
	if strings.Contains(n, ".") {
		list = &h.fqdns
	}
	if n != "" && len(*list) < maxNames && !slices.Contains(*list, n) {
		*list = append(*list, n)
	}
}

// hostname is a name in normal form, "" for what is none.
func hostname(s string) string {
	s = strings.TrimRight(strings.ToLower(s), ".")
	if strings.ContainsAny(s, " /:@") || s == "localhost" {
		return ""
	}
	return s
}

// sighting is the host as an asset; false when nothing identifies it.
func (h *host) sighting(ref gyre.Ref, zone gyre.Zone) (gyre.AssetSighting, bool) {
	// What only a reverse look-up says is true in the network it was made in.
	if i := slices.Index(h.fqdns, h.rdns); i >= 0 && h.rdns != hostname(h.target) {
		h.fqdns = slices.Delete(h.fqdns, i, i+1)
		h.names = append(h.names, h.rdns)
	}
	h.name(h.target)
	a := gyre.AssetSighting{Ref: ref, Kind: gyre.Host, Zone: zone, Attributes: h.attributes}
	add := func(t gyre.IdentifierType, values ...string) {
		for _, v := range values {
			if v == "" {
				continue
			}
			id := gyre.Identifier{Type: t, Value: v}
			if t.Zoned() {
				id.Zone = zone
			}
			a.Identifiers = append(a.Identifiers, id)
		}
	}
	add(gyre.IDMachine, h.uuid)
	add(gyre.IDMAC, h.macs...)
	add(gyre.IDFQDN, h.fqdns...)
	add(gyre.IDHostname, h.names...)
	add(gyre.IDIP, h.ip)
	for _, n := range slices.Concat(h.fqdns, h.names, []string{h.ip}, h.macs, []string{h.uuid}) {
		if a.Name == "" {
			a.Name = n
		}
	}
	return a, a.Name != ""
}

// seenWith says whether the host was looked at with credentials that worked.
func (h *host) seenWith() bool { return h.credentialed == "yes" && !h.localFailed }

func (r *run) emitHost(h *host, ref gyre.Ref) error {
	a, ok := h.sighting(ref, r.in.Zone)
	if !ok {
		r.problem("a host without address and name")
		return nil
	}
	if err := r.out.Asset(a); err != nil {
		return err
	}
	if err := r.emitFacts(h, ref); err != nil {
		return err
	}
	for i := range h.findings {
		f := &h.findings[i]
		f.Asset = ref
		// Where the report does not say whether it had credentials, it may have had them.
		f.Credentialed = h.local[i] && h.credentialed != "no"
		if err := r.out.Finding(*f); err != nil {
			return err
		}
	}
	return r.cover(h, ref)
}

func (r *run) emitFacts(h *host, ref gyre.Ref) error {
	if h.dead {
		return nil
	}
	open := []any{}
	for _, l := range h.order {
		if p := h.ports[l]; p.transport == "tcp" {
			open = append(open, int64(p.number))
		}
	}
	data := map[string]any{"open_ports": open}
	if h.ip != "" {
		data["address"] = h.ip
	}
	if names := slices.Concat(h.fqdns, h.names); len(names) > 0 {
		all := make([]any, len(names))
		for i, n := range names {
			all[i] = n
		}
		data["names"] = all
	}
	if err := r.out.Fact(gyre.Fact{Asset: ref, Aspect: gyre.AspectHost, Data: data}); err != nil {
		return err
	}
	for _, l := range h.order {
		if p := h.ports[l]; p.service != "" {
			if err := r.out.Fact(gyre.Fact{Asset: ref, Aspect: gyre.AspectService, Locus: l, Data: p.data()}); err != nil {
				return err
			}
		}
	}
	return nil
}

// cover says what the report proves of the host; see the package's documentation.
func (r *run) cover(h *host, ref gyre.Ref) error {
	if !h.ended || h.dead || len(h.order) == 0 && !h.seenWith() {
		return nil
	}
	if err := r.out.Cover(gyre.Coverage{Asset: ref, Aspect: gyre.AspectHost}); err != nil {
		return err
	}
	var known []string
	for _, l := range h.order {
		if h.ports[l].service != "" {
			known = append(known, l)
		}
	}
	if len(known) > 0 {
		if err := r.out.Cover(gyre.Coverage{Asset: ref, Aspect: gyre.AspectService, Loci: known}); err != nil {
			return err
		}
	}
	c := gyre.Coverage{
		Judged: true, Asset: ref, Aspect: gyre.AspectService, Loci: append(slices.Clone(h.order), hostLocus),
		Weaknesses: r.policy.few(), Credentialed: h.seenWith(),
	}
	if c.Weaknesses == nil && !r.policy.whole() {
		return nil
	}
	return r.out.Cover(c)
}
