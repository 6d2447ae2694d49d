// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package scope_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/time/rate"
	"pgregory.net/rapid"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/scope"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorder is a dialer that only remembers, and a resolver that says what it is told.
type recorder struct {
	mu     sync.Mutex
	dialed []string
	names  map[string][]netip.Addr
	asked  int
}

func (r *recorder) dial(_ context.Context, network, address string) (net.Conn, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dialed = append(r.dialed, network+" "+address)
	near, far := net.Pipe()
	_ = far.Close()
	return near, nil
}

func (r *recorder) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked++
	if a, ok := r.names[host]; ok {
		return a, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

// small draws from few addresses, so that targets, exclusions and dials meet.
var small = rapid.Custom(func(t *rapid.T) netip.Addr {
	b := rapid.SliceOfN(rapid.ByteRange(0, 3), 2, 2).Draw(t, "bytes")
	v4 := netip.AddrFrom4([4]byte{10, 0, b[0], b[1]})
	switch rapid.IntRange(0, 3).Draw(t, "form") {
	case 0:
		return netip.AddrFrom16(v4.As16()) // IPv4 in IPv6 clothes
	case 1:
		return netip.AddrFrom16([16]byte{0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, b[0], b[1]})
	}
	return v4
})

var prefix = rapid.Custom(func(t *rapid.T) string {
	a := small.Draw(t, "address")
	p := netip.PrefixFrom(a, a.BitLen()-rapid.IntRange(0, 10).Draw(t, "host bits"))
	if p.IsSingleIP() && rapid.Bool().Draw(t, "bare") {
		return a.String()
	}
	return p.String()
})

// covers is the oracle: it compares bits one by one, unlike the guard.
func covers(entry string, a netip.Addr) bool {
	p, err := netip.ParsePrefix(entry)
	if err != nil {
		e, err := netip.ParseAddr(entry)
		if err != nil {
			return false
		}
		p = netip.PrefixFrom(e, e.BitLen())
	}
	bits := p.Bits()
	if p.Addr().Is4() {
		bits += 96
	}
	x, y := p.Addr().As16(), a.As16()
	for i := range bits {
		if (x[i/8]^y[i/8])>>(7-i%8)&1 != 0 {
			return false
		}
	}
	return true
}

// TestGuardProperty: whatever the scope, the time and the address asked for, a
// connection goes only to an address and port that a target lists and no
// exclusion names, within the hours; and what is authorised is not refused.
func TestGuardProperty(t *testing.T) {
	names := []string{"a.example", "b.example", "deep.b.example", "c.example"}
	days := []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}
	allowedSeen, refusedSeen := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		rec := &recorder{names: map[string][]netip.Addr{}}
		for _, n := range names {
			rec.names[n] = rapid.SliceOfN(small, 1, 3).Draw(t, "addresses of "+n)
		}
		s := gyre.Scope{Name: "s", Intensity: gyre.IntensityNormal}
		s.Targets = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) gyre.Target {
			return gyre.Target{CIDR: prefix.Draw(t, "cidr"), Ports: rapid.SampledFrom([]string{"80", "80-82", "443,81"}).Draw(t, "ports")}
		}), 1, 3).Draw(t, "targets")
		s.Exclusions = rapid.SliceOfN(rapid.OneOf(prefix, rapid.SampledFrom(append([]string{"*.b.example", "gone.example"}, names...))), 0, 3).Draw(t, "exclusions")
		var windows [][3]int // weekday of the start, minutes from and to
		if rapid.Bool().Draw(t, "hours") {
			from, to := rapid.IntRange(0, 23).Draw(t, "from"), rapid.IntRange(0, 24).Draw(t, "to")
			if from != to {
				on := rapid.SliceOfNDistinct(rapid.IntRange(0, 6), 0, 3, rapid.ID[int]).Draw(t, "days")
				w := gyre.Window{From: fmt.Sprintf("%02d:00", from), To: fmt.Sprintf("%02d:00", to)}
				for _, d := range on {
					w.Days = append(w.Days, days[d])
				}
				if len(on) == 0 {
					on = []int{0, 1, 2, 3, 4, 5, 6}
				}
				for _, d := range on {
					windows = append(windows, [3]int{d, from, to})
				}
				s.Hours = []gyre.Window{w}
			}
		}
		now := time.Date(2026, 1, 5+rapid.IntRange(0, 6).Draw(t, "day"), rapid.IntRange(0, 23).Draw(t, "hour"), 30, 0, 0, time.UTC)
		inHours := len(windows) == 0
		for _, w := range windows {
			// 5 January 2026 is a Monday. A window that spans midnight ends a day later.
			start := time.Date(2026, 1, 5+w[0], w[1], 0, 0, 0, time.UTC)
			end := time.Date(2026, 1, 5+w[0], w[2], 0, 0, 0, time.UTC)
			if !end.After(start) {
				end = end.AddDate(0, 0, 1)
			}
			for _, week := range []int{-7, 0, 7} {
				inHours = inHours || !now.Before(start.AddDate(0, 0, week)) && now.Before(end.AddDate(0, 0, week))
			}
		}
		g, err := scope.NewGuard(s, scope.GuardOptions{
			Now: func() time.Time { return now }, Dial: rec.dial, Resolver: rec, Limiter: rate.NewLimiter(rate.Inf, 1),
		})
		if err != nil {
			t.Skip(err) // some drawn networks start at no usable address
		}
		defer g.Close()
		excluded := func(a netip.Addr) bool {
			return slices.ContainsFunc(s.Exclusions, func(e string) bool {
				return covers(e, a) || slices.ContainsFunc(rec.names[e], func(x netip.Addr) bool { return x.Unmap() == a.Unmap() })
			})
		}
		may := func(a netip.Addr, port uint16) bool {
			return inHours && !excluded(a) && slices.ContainsFunc(s.Targets, func(target gyre.Target) bool {
				ports := map[string][]uint16{"80": {80}, "80-82": {80, 81, 82}, "443,81": {443, 81}}[target.Ports]
				return covers(target.CIDR, a) && slices.Contains(ports, port)
			})
		}
		for range 10 {
			port := rapid.SampledFrom([]uint16{80, 81, 443, 8080}).Draw(t, "port")
			network := rapid.SampledFrom([]string{"tcp", "tcp", "tcp", "tcp4", "udp", "ip", "unix"}).Draw(t, "network")
			host := rapid.OneOf(rapid.Map(small, netip.Addr.String), rapid.SampledFrom(names)).Draw(t, "host")
			rec.dialed = nil
			c, err := g.DialContext(t.Context(), network, net.JoinHostPort(host, fmt.Sprint(port)))
			for _, d := range rec.dialed {
				var nw, to string
				_, _ = fmt.Sscan(d, &nw, &to)
				ap, perr := netip.ParseAddrPort(to)
				if perr != nil || nw[:3] != "tcp" || ap.Addr().Is4In6() || !may(ap.Addr(), ap.Port()) {
					t.Fatalf("dialled %q for %q at %s under %+v (names %v)", d, host, now, s, rec.names)
				}
			}
			if err == nil {
				allowedSeen++
				_ = c.Close()
				continue
			}
			refusedSeen++
			if gyre.ErrorCode(err) != gyre.Forbidden {
				t.Fatalf("refusal is %v", err)
			}
			if a, perr := netip.ParseAddr(host); perr == nil && network == "tcp" && may(a, port) {
				t.Fatalf("refused %s %d at %s under %+v: %v", a, port, now, s, err)
			}
		}
	})
	if allowedSeen == 0 || refusedSeen == 0 {
		t.Fatalf("the property was tried on %d allowed and %d refused dials: it proves nothing", allowedSeen, refusedSeen)
	}
}

func guard(t *testing.T, s gyre.Scope, opt scope.GuardOptions) *scope.Guard {
	t.Helper()
	g, err := scope.NewGuard(s, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

func TestNoRebinding(t *testing.T) {
	inside, outside := netip.MustParseAddr("10.0.0.5"), netip.MustParseAddr("192.0.2.1")
	rec := &recorder{names: map[string][]netip.Addr{"two.example": {outside, inside}}}
	g := guard(t, gyre.Scope{Name: "s", Targets: []gyre.Target{{CIDR: "10.0.0.0/24", Ports: "80"}}},
		scope.GuardOptions{Dial: rec.dial, Resolver: rec})
	c, err := g.DialContext(t.Context(), "tcp", "two.example:80")
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	if want := []string{"tcp 10.0.0.5:80"}; !slices.Equal(rec.dialed, want) {
		t.Errorf("dialled %v, want %v: the address that was judged", rec.dialed, want)
	}
	if rec.asked != 1 {
		t.Errorf("resolved %d times: a second answer could differ from the one that was judged", rec.asked)
	}
}

type failing struct{}

func (failing) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return nil, &net.DNSError{Err: "server misbehaving", IsTemporary: true}
}

func TestUnresolvableExclusionRefuses(t *testing.T) {
	rec := &recorder{}
	g := guard(t, gyre.Scope{Name: "s", Targets: []gyre.Target{{CIDR: "10.0.0.1", Ports: "80"}}, Exclusions: []string{"printer.example"}},
		scope.GuardOptions{Dial: rec.dial, Resolver: failing{}})
	if _, err := g.DialContext(t.Context(), "tcp", "10.0.0.1:80"); gyre.ErrorCode(err) != gyre.Forbidden || len(rec.dialed) > 0 {
		t.Errorf("got %v, dialled %v", err, rec.dialed)
	}
}

func TestNameServers(t *testing.T) {
	rec := &recorder{}
	opt := scope.GuardOptions{Dial: rec.dial, Resolver: rec, System: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.53:53")}}
	own := guard(t, gyre.Scope{Name: "own", Targets: []gyre.Target{
		{CIDR: "10.0.0.0/30", Ports: "80"}, {Domain: "corp.example", Nameserver: "10.0.0.1:5353"},
	}}, opt)
	system := guard(t, gyre.Scope{Name: "system", Targets: []gyre.Target{{Domain: "corp.example"}}}, opt)
	for _, c := range []struct {
		g                *scope.Guard
		network, address string
		allowed          bool
	}{
		{own, "udp", "10.0.0.1:5353", true},
		{own, "tcp", "10.0.0.1:5353", true},
		{own, "udp", "10.0.0.1:53", false},
		{own, "udp", "10.0.0.2:5353", false},
		{own, "udp", "192.0.2.53:53", false},
		{system, "udp", "192.0.2.53:53", true},
		{system, "tcp", "192.0.2.53:53", true},
		{system, "udp", "192.0.2.53:5353", false},
		{system, "tcp", "10.0.0.1:80", false},
	} {
		conn, err := c.g.DialContext(t.Context(), c.network, c.address)
		if (err == nil) != c.allowed {
			t.Errorf("%s %s: got %v, want allowed %v", c.network, c.address, err, c.allowed)
		}
		if err == nil {
			_ = conn.Close()
		}
	}
}

func TestPassiveSendsNothing(t *testing.T) {
	rec := &recorder{}
	g := guard(t, gyre.Scope{Name: "s", Intensity: gyre.IntensityPassive, Targets: []gyre.Target{{CIDR: "10.0.0.1", Ports: "80"}}},
		scope.GuardOptions{Dial: rec.dial, Resolver: rec})
	for _, to := range []string{"10.0.0.1:80", "a.example:80"} {
		if _, err := g.DialContext(t.Context(), "tcp", to); gyre.ErrorCode(err) != gyre.Forbidden {
			t.Errorf("%s: %v", to, err)
		}
	}
	if len(rec.dialed) > 0 || rec.asked > 0 {
		t.Errorf("dialled %v, asked the resolver %d times", rec.dialed, rec.asked)
	}
}

func TestPace(t *testing.T) {
	rec := &recorder{}
	g := guard(t, gyre.Scope{Name: "s", Intensity: gyre.IntensityGentle, Targets: []gyre.Target{{CIDR: "10.0.0.1", Ports: "80"}}},
		scope.GuardOptions{Dial: rec.dial, Resolver: rec})
	start := time.Now()
	for range 8 {
		c, err := g.DialContext(t.Context(), "tcp", "10.0.0.1:80")
		if err != nil {
			t.Fatal(err)
		}
		_ = c.Close()
	}
	// Two at once, then one every 50 ms: the eighth comes after 300 ms.
	if took := time.Since(start); took < 250*time.Millisecond {
		t.Errorf("8 gentle connections took %s", took)
	}
}

func TestHoursEndMidway(t *testing.T) {
	now := time.Date(2026, 1, 5, 16, 59, 0, 0, time.UTC)
	var mu sync.Mutex
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	rec := &recorder{}
	g := guard(t, gyre.Scope{Name: "s", Targets: []gyre.Target{{CIDR: "10.0.0.1", Ports: "80"}}, Hours: []gyre.Window{{From: "09:00", To: "17:00"}}},
		scope.GuardOptions{Now: clock, Dial: rec.dial, Resolver: rec})
	c, err := g.DialContext(t.Context(), "tcp", "10.0.0.1:80")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	mu.Lock()
	now = now.Add(2 * time.Minute)
	mu.Unlock()
	if _, err := c.Write([]byte("x")); gyre.ErrorCode(err) != gyre.Forbidden {
		t.Errorf("an open connection still sends after the hours: %v", err)
	}
}

// TestKill: a thrown switch ends open connections and waiting dials, for real.
func TestKill(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	kill, throw := context.WithCancel(t.Context())
	defer throw()
	g := guard(t, gyre.Scope{Name: "s", Targets: []gyre.Target{{CIDR: "127.0.0.1", Ports: port}}},
		scope.GuardOptions{Kill: kill, Limiter: rate.NewLimiter(rate.Every(time.Hour), 2)})
	ended := make(chan error, 3)
	for range 2 {
		c, err := g.DialContext(t.Context(), "tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			_, err := c.Read(make([]byte, 1)) // the peer never says anything
			ended <- err
		}()
	}
	go func() {
		_, err := g.DialContext(t.Context(), "tcp", ln.Addr().String()) // its turn is an hour away
		ended <- err
	}()
	time.Sleep(20 * time.Millisecond)
	start := time.Now()
	throw()
	for range 3 {
		select {
		case err := <-ended:
			if err == nil || !errors.Is(err, net.ErrClosed) && gyre.ErrorCode(err) != gyre.Forbidden {
				t.Errorf("ended with %v", err)
			}
		case <-time.After(2 * time.Second):
			t.Fatal("still open two seconds after the switch was thrown")
		}
	}
	t.Logf("everything ended after %s", time.Since(start))
	if _, err := g.DialContext(t.Context(), "tcp", ln.Addr().String()); gyre.ErrorCode(err) != gyre.Forbidden {
		t.Errorf("a new connection after the switch: %v", err)
	}
}

func TestGuardsShareAndReplace(t *testing.T) {
	gs := scope.NewGuards(scope.GuardOptions{})
	defer gs.Close()
	s := valid()
	s.ID = gyre.NewID()
	a, err := gs.Guard(s)
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := gs.Guard(s); a != b {
		t.Error("the same scope has two guards, and so two paces")
	}
	s.Exclusions = []string{"127.0.10.1"}
	if b, _ := gs.Guard(s); a == b {
		t.Error("a changed scope keeps its old guard")
	}
}
