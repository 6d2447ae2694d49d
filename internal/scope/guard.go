// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package scope

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
)

// GuardOptions are what a guard works with; the zero value is for production.
type GuardOptions struct {
	Now func() time.Time
	// Limiter is shared by all guards of a scope; nil is one of the scope's intensity.
	Limiter *rate.Limiter
	// Kill ends everything when it is done: connections are closed, no new ones
	// are made. nil: never.
	Kill context.Context // it is a signal, not a call's context
	// Dial connects to an address (never a name). nil is net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Resolver turns names into addresses. nil is the system's.
	Resolver Resolver
	// System are the system's name servers; nil reads /etc/resolv.conf.
	System []netip.AddrPort
	// ConnectTimeout bounds one connection attempt, not the wait for its turn.
	// Zero: half a second on loopback, else one and a half.
	ConnectTimeout time.Duration
	Log            *slog.Logger
}

// Resolver is the part of net.Resolver that a guard needs.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Guard implements plugin.Guard for one scope. Safe for concurrent use.
type Guard struct {
	scope   gyre.Scope
	reach   *reach
	windows []window
	opt     GuardOptions
	slots   chan struct{}

	mu       sync.Mutex
	open     map[*conn]struct{}
	excluded []netip.Addr  // addresses of excluded names
	resolved time.Time     // when excluded was looked up
	waiting  chan struct{} // held while looking up

	stopKill func() bool
}

var _ plugin.Guard = (*Guard)(nil)

// The pace of each intensity: new connections a second, and at once.
const (
	gentlePace, gentleSlots     = 20, 16
	normalPace, normalSlots     = 200, 128
	loopbackPace, loopbackSlots = 2000, 256
)

// NewGuard makes the guard of a scope that Validate accepts.
func NewGuard(s gyre.Scope, opt GuardOptions) (*Guard, error) {
	if err := Validate(s); err != nil {
		return nil, err
	}
	s = Normalise(s)
	g := &Guard{scope: s, reach: newReach(s), windows: newWindows(s.Hours), opt: opt, open: map[*conn]struct{}{}, waiting: make(chan struct{}, 1)}
	if g.opt.Now == nil {
		g.opt.Now = time.Now
	}
	if g.opt.Dial == nil {
		g.opt.Dial = (&net.Dialer{KeepAlive: -1}).DialContext
	}
	if g.opt.Resolver == nil {
		g.opt.Resolver = net.DefaultResolver
	}
	if g.opt.Log == nil {
		g.opt.Log = slog.New(slog.DiscardHandler)
	}
	if g.opt.System == nil && g.reach.resolver {
		g.opt.System = systemNameservers()
	}
	pace, slots := Pace(s)
	if g.opt.Limiter == nil {
		g.opt.Limiter = rate.NewLimiter(pace, burst(pace))
	}
	g.slots = make(chan struct{}, slots)
	if g.opt.Kill != nil {
		g.stopKill = context.AfterFunc(g.opt.Kill, g.closeAll)
	}
	return g, nil
}

// Pace is how many connections a second the scope's intensity allows, and how
// many at once. A scope of loopback addresses burdens nobody else.
func Pace(s gyre.Scope) (perSecond rate.Limit, atOnce int) {
	switch {
	case newReach(s).loopback():
		return loopbackPace, loopbackSlots
	case s.Intensity == gyre.IntensityNormal:
		return normalPace, normalSlots
	}
	return gentlePace, gentleSlots
}

// Close closes the connections that are left and lets go of the kill switch.
func (g *Guard) Close() {
	if g.stopKill != nil {
		g.stopKill()
	}
	g.closeAll()
}

func (g *Guard) closeAll() {
	g.mu.Lock()
	all := make([]*conn, 0, len(g.open))
	for c := range g.open {
		all = append(all, c)
	}
	g.mu.Unlock()
	for _, c := range all {
		_ = c.Close()
	}
}

// DialContext implements plugin.Guard. ctx bounds all of it: the wait for the
// scope's pace and the connection attempt, which has a limit of its own, too.
func (g *Guard) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if err := g.mayProbe(); err != nil {
		return nil, err
	}
	ctx, cancel := g.untilKilled(ctx)
	defer cancel()
	addrs, port, err := g.resolve(ctx, network, address)
	if err != nil {
		return nil, g.cause(err)
	}
	err = nil
	for _, a := range addrs {
		var c net.Conn
		ap := netip.AddrPortFrom(a, port)
		c, err = g.dial(ctx, network, address, ap)
		if err == nil {
			return c, nil
		}
	}
	return nil, g.cause(err)
}

func (g *Guard) untilKilled(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	if g.opt.Kill == nil {
		return ctx, cancel
	}
	stop := context.AfterFunc(g.opt.Kill, cancel)
	return ctx, func() { stop(); cancel() }
}

func (g *Guard) killed() bool { return g.opt.Kill != nil && g.opt.Kill.Err() != nil }

var errKilled = gyre.Errorf(gyre.Forbidden, "the kill switch is on")

// cause says "kill switch" where a caller would only see a cancelled context.
func (g *Guard) cause(err error) error {
	if g.killed() {
		return errKilled
	}
	return err
}

// mayProbe judges what does not depend on the address.
func (g *Guard) mayProbe() error {
	switch {
	case g.killed():
		return errKilled
	case g.scope.Intensity == gyre.IntensityPassive:
		return gyre.Errorf(gyre.Forbidden, "scope %q is passive: nothing is sent", g.scope.Name)
	case len(g.reach.broken) > 0:
		return gyre.Errorf(gyre.Forbidden, "scope %q has an exclusion that cannot be read: %q", g.scope.Name, g.reach.broken[0])
	case !open(g.windows, g.opt.Now()):
		return gyre.Errorf(gyre.Forbidden, "outside the hours of scope %q", g.scope.Name)
	}
	return nil
}

// resolve turns host:port into addresses to judge. Nothing is asked of anybody
// when the host is an address.
func (g *Guard) resolve(ctx context.Context, network, address string) ([]netip.Addr, uint16, error) {
	switch network {
	case "tcp", "tcp4", "tcp6", "udp", "udp4", "udp6":
	default:
		return nil, 0, gyre.Errorf(gyre.Forbidden, "network %q is not for sources", network)
	}
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return nil, 0, gyre.Errorf(gyre.Forbidden, "%q is not host:port", address)
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return nil, 0, gyre.Errorf(gyre.Forbidden, "%q has no port number", address)
	}
	port := uint16(n)
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a.Unmap()}, port, nil
	}
	if g.reach.excludesName(host) {
		return nil, 0, gyre.Errorf(gyre.Forbidden, "%s is excluded by scope %q", host, g.scope.Name)
	}
	family := "ip"
	if last := network[len(network)-1]; last == '4' || last == '6' {
		family += string(last)
	}
	addrs, err := g.opt.Resolver.LookupNetIP(ctx, family, host)
	if err != nil {
		return nil, 0, gyre.Errorf(gyre.Unavailable, "resolve %s: %w", host, err)
	}
	if len(addrs) == 0 {
		return nil, 0, gyre.Errorf(gyre.Unavailable, "%s has no address", host)
	}
	const few = 8
	for i := range addrs {
		addrs[i] = addrs[i].Unmap()
	}
	return addrs[:min(len(addrs), few)], port, nil
}

// judge says whether exactly this connection is authorised.
func (g *Guard) judge(ctx context.Context, network, asked string, ap netip.AddrPort) error {
	a := ap.Addr()
	if g.reach.excludes(a) {
		return gyre.Errorf(gyre.Forbidden, "%s is excluded by scope %q", a, g.scope.Name)
	}
	if !g.authorised(network, asked, ap) {
		return gyre.Errorf(gyre.Forbidden, "%s %s is outside scope %q", network, ap, g.scope.Name)
	}
	if g.system(ap) && !g.reach.allows(ap) {
		return nil
	}
	return g.notExcludedByName(ctx, a)
}

// authorised: TCP to a port that a CIDR target lists, and DNS to the name
// server of a domain target. A name server must lie in a CIDR target itself,
// except the system's, which any program on this machine may ask.
func (g *Guard) authorised(network, asked string, ap netip.AddrPort) bool {
	if strings.HasPrefix(network, "tcp") && g.reach.allows(ap) {
		return true
	}
	for _, ns := range g.reach.nameservers {
		host, _, _ := net.SplitHostPort(asked)
		named := ns.host == normaliseName(host) || ns.host == ap.Addr().String()
		if named && ns.port == ap.Port() && g.reach.contains(ap.Addr()) {
			return true
		}
	}
	return g.system(ap)
}

func (g *Guard) system(ap netip.AddrPort) bool {
	for _, s := range g.opt.System {
		if g.reach.resolver && s.Port() == ap.Port() && s.Addr().Unmap() == ap.Addr() {
			return true
		}
	}
	return false
}

func (g *Guard) dial(ctx context.Context, network, asked string, ap netip.AddrPort) (net.Conn, error) {
	if err := g.judge(ctx, network, asked, ap); err != nil {
		return nil, err
	}
	if err := g.opt.Limiter.Wait(ctx); err != nil {
		return nil, err
	}
	select {
	case g.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	// The wait may have been long: the hours may be over, or the switch thrown.
	if err := g.mayProbe(); err != nil {
		<-g.slots
		return nil, err
	}
	limit := cmp.Or(g.opt.ConnectTimeout, 1500*time.Millisecond)
	if g.opt.ConnectTimeout == 0 && ap.Addr().IsLoopback() {
		limit = 500 * time.Millisecond
	}
	dialCtx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	nc, err := g.opt.Dial(dialCtx, network, ap.String())
	if err != nil {
		<-g.slots
		// The caller's own end is told apart from a peer that says nothing.
		if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
			err = &net.OpError{Op: "dial", Net: network, Addr: net.TCPAddrFromAddrPort(ap), Err: errTimeout{}}
		}
		return nil, err
	}
	return g.track(nc)
}

type errTimeout struct{}

func (errTimeout) Error() string   { return "no answer in time" }
func (errTimeout) Timeout() bool   { return true }
func (errTimeout) Temporary() bool { return true }
