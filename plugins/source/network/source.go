// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package network is the source that discovers hosts and their services: TCP
// connections to the ports of a network, then what answers there: services by
// what they say, TLS by handshakes, web servers by requests that only read.
//
// plugins/all registers it. Invariants: everything goes through the guard;
// nothing that a peer sends can make it wait, or hold memory, without bound; a
// fact says only what was shown; coverage lists only places where the peer gave
// an answer, so that silence, a firewall or an overloaded server closes nothing.
package network

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
)

// Source implements plugin.Source.
type Source struct{}

// New returns the source.
func New() *Source { return &Source{} }

var _ plugin.Source = (*Source)(nil)

// Info implements plugin.Source.
func (*Source) Info() plugin.Info {
	return plugin.Info{
		Name: "network", Title: "Network discovery", Version: "1",
		Description: "Finds hosts and open ports by TCP connections, and says what answers: services, TLS, web servers.",
	}
}

// Accepts implements plugin.Source.
func (*Source) Accepts(t gyre.Target) bool { return t.CIDR != "" }

// Aspects implements plugin.Source.
func (*Source) Aspects() []gyre.Aspect {
	return []gyre.Aspect{gyre.AspectHost, gyre.AspectService, gyre.AspectTLS, gyre.AspectHTTP}
}

// Run implements plugin.Source.
func (*Source) Run(ctx context.Context, req plugin.Request, emit plugin.Emit) (plugin.Report, error) {
	prefix, err := prefixOf(req.Target.CIDR)
	if err != nil {
		return plugin.Report{}, err
	}
	ports, err := gyre.ParsePorts(req.Target.Ports)
	if err != nil {
		return plugin.Report{}, err
	}
	if req.Scope.Intensity == gyre.IntensityPassive {
		return plugin.Report{Limits: []string{"the scope is passive: nothing was sent"}}, nil
	}
	l := &look{
		guard: req.Guard, log: req.Log, zone: req.Target.Zone, notes: &notes{}, loci: map[uint16]*loci{},
		thorough: req.Scope.Intensity == gyre.IntensityNormal, pace: paceOf(prefix.Addr()),
	}
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	first, count := prefix.Addr(), hostsIn(prefix)
	if req.Only != nil {
		if first, ports, err = l.narrow(*req.Only, prefix, ports); err != nil {
			return plugin.Report{}, err
		}
		count = 1
	}
	for _, p := range ports {
		l.loci[p] = newLoci(p)
	}
	l.inventory = newInventory(ctx, req.Scope, req.Guard, l.pace)
	out := &outbox{emit: emit}
	if err := l.discover(ctx, first, count, ports, req.Progress, out); err != nil {
		return l.notes.report(), err
	}
	if err := out.flush(ctx); err != nil {
		return l.notes.report(), err
	}
	return l.notes.report(), ctx.Err()
}

// look is one run.
type look struct {
	guard     plugin.Guard
	log       *slog.Logger
	zone      gyre.Zone
	thorough  bool // intensity normal: logins and relaying are tried, too
	pace      pace
	notes     *notes
	inventory *inventory
	loci      map[uint16]*loci

	// A retest looks at one place of one stored asset.
	only  *plugin.Place
	place string // its locus; "" is the whole host
	names []string
}

// pace is how long peers are waited for. On loopback a peer that is going to
// answer does so at once, even on a busy machine.
type pace struct {
	greeting time.Duration // for a peer that speaks first
	answer   time.Duration // for the first byte of an answer
	whole    time.Duration // for one exchange
	host     time.Duration // for all ports of one host together
}

func paceOf(a netip.Addr) pace {
	if a.IsLoopback() {
		return pace{greeting: 300 * time.Millisecond, answer: 3 * time.Second, whole: 5 * time.Second, host: 90 * time.Second}
	}
	return pace{greeting: 1500 * time.Millisecond, answer: 5 * time.Second, whole: 12 * time.Second, host: 4 * time.Minute}
}

func prefixOf(cidr string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(cidr); err == nil {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(cidr)
	if err != nil {
		return p, gyre.FieldErrorf(gyre.Invalid, "target.cidr", "%q is neither an address nor a CIDR", cidr)
	}
	return p.Masked(), nil
}

// hostsIn counts the addresses of a network; scopes keep it to about a million.
func hostsIn(p netip.Prefix) int {
	bits := min(p.Addr().BitLen()-p.Bits(), 24)
	n := new(big.Int).Lsh(big.NewInt(1), uint(bits)) // #nosec G115 -- 0 to 24
	return int(n.Int64())
}

// narrow turns the place of a retest into an address and ports.
func (l *look) narrow(place plugin.Place, prefix netip.Prefix, ports []uint16) (netip.Addr, []uint16, error) {
	none := netip.Addr{}
	l.only, l.place = &place, place.Locus
	found := none
	for _, id := range place.Asset.Identifiers {
		switch id.Type {
		case gyre.IDIP:
			a, err := netip.ParseAddr(id.Value)
			if err == nil && prefix.Contains(a.Unmap()) && id.Zone == l.zone {
				found = a.Unmap()
			}
		case gyre.IDFQDN, gyre.IDHostname:
			l.names = append(l.names, id.Value)
		}
	}
	if found == none {
		return none, nil, gyre.Errorf(gyre.Conflict, "asset %q has no address in %s of zone %q any more", place.Asset.Name, prefix, l.zone)
	}
	if place.Aspect == gyre.AspectHost {
		l.place = ""
		return found, ports, nil
	}
	text, _, _ := strings.Cut(strings.TrimPrefix(place.Locus, "tcp/"), "/")
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 || !strings.HasPrefix(place.Locus, "tcp/") {
		return none, nil, gyre.Errorf(gyre.Conflict, "place %q is not one that this source can look at", place.Locus)
	}
	if !slices.Contains(ports, uint16(n)) {
		return none, nil, gyre.Errorf(gyre.Forbidden, "port %d is not in the ports of target %s any more", n, prefix)
	}
	return found, []uint16{uint16(n)}, nil
}

// discover sweeps the addresses and looks closer at the hosts that answer.
func (l *look) discover(ctx context.Context, first netip.Addr, count int, ports []uint16, progress plugin.Progress, out *outbox) error {
	if progress == nil {
		progress = func(int, int, string) {}
	}
	const closeLooks = 16
	group, ctx := errgroup.WithContext(ctx)
	swept := make(chan *host, closeLooks)
	group.Go(func() error {
		defer close(swept)
		return l.sweep(ctx, first, count, ports, swept)
	})
	var done atomic.Int64
	for range closeLooks {
		group.Go(func() error {
			for h := range swept {
				if err := ctx.Err(); err != nil {
					return err
				}
				b, err := l.closer(ctx, h)
				if err != nil {
					return err
				}
				if err := out.add(ctx, b); err != nil {
					return fmt.Errorf("hand over %s: %w", h.addr, err)
				}
				progress(int(done.Add(1)), count, h.addr.String())
			}
			return nil
		})
	}
	err := group.Wait()
	if errors.Is(err, context.Canceled) && context.Cause(ctx) != nil && !errors.Is(context.Cause(ctx), context.Canceled) {
		return context.Cause(ctx)
	}
	return err
}
