// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package network_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/time/rate"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/scope"
	"github.com/gyre-ctem/gyre/plugin"
	"github.com/gyre-ctem/gyre/plugin/plugintest"
	"github.com/gyre-ctem/gyre/plugins/source/network"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// seen is all that a run emitted.
type seen struct {
	mu       sync.Mutex
	assets   map[gyre.Ref]gyre.AssetSighting
	facts    map[string]map[string]any // "REF ASPECT LOCUS"
	coverage []gyre.Coverage
	report   plugin.Report
}

func (s *seen) emit(_ context.Context, b *gyre.Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range b.Assets {
		s.assets[a.Ref] = a
	}
	for _, f := range b.Facts {
		s.facts[fmt.Sprintf("%s %s %s", f.Asset, f.Aspect, f.Locus)] = f.Data
	}
	s.coverage = append(s.coverage, b.Coverage...)
	return nil
}

// covers says whether the run claims to have looked at a place, by the rule
// that ingest closes by.
func (s *seen) covers(ref string, aspect gyre.Aspect, locus string) bool {
	return slices.ContainsFunc(s.coverage, func(c gyre.Coverage) bool {
		return !c.Judged && c.Asset == gyre.Ref(ref) && c.Aspect == aspect && (c.Loci == nil || slices.ContainsFunc(c.Loci, func(l string) bool {
			prefix, open := strings.CutSuffix(l, "*")
			return l == locus || open && strings.HasPrefix(locus, prefix)
		}))
	})
}

func (s *seen) fact(t *testing.T, ref string, aspect gyre.Aspect, locus string) map[string]any {
	t.Helper()
	f := s.facts[fmt.Sprintf("%s %s %s", ref, aspect, locus)]
	if f == nil {
		t.Errorf("no %s fact at %s of %s; limits %q", aspect, locus, ref, s.report.Limits)
	}
	return f
}

func testScope(cidr, ports string) gyre.Scope {
	return gyre.Scope{
		ID: 7, Name: "test", Intensity: gyre.IntensityNormal,
		Targets: []gyre.Target{{CIDR: cidr, Ports: ports, Zone: gyre.ZoneDMZ}},
	}
}

// run scans the scope's first target.
func run(t testing.TB, s gyre.Scope, only *plugin.Place) (*seen, error) {
	t.Helper()
	return runWith(t.Context(), t, s, only)
}

func runWith(ctx context.Context, t testing.TB, s gyre.Scope, only *plugin.Place) (*seen, error) {
	t.Helper()
	g, err := scope.NewGuard(s, scope.GuardOptions{Limiter: rate.NewLimiter(rate.Inf, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	got := &seen{assets: map[gyre.Ref]gyre.AssetSighting{}, facts: map[string]map[string]any{}}
	contract := &plugintest.Collector{}
	got.report, err = network.New().Run(ctx, plugin.Request{Scope: s, Target: s.Targets[0], Guard: g, Only: only}, func(ctx context.Context, b *gyre.Batch) error {
		if err := contract.Emit(ctx, b); err != nil {
			return err
		}
		return got.emit(ctx, b)
	})
	contract.Check(t)
	return got, err
}

func mustRun(t testing.TB, s gyre.Scope, only *plugin.Place) *seen {
	t.Helper()
	got, err := run(t, s, only)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// serve listens on a loopback address and handles each connection until the test ends.
func serve(t testing.TB, address string, handle func(net.Conn)) uint16 {
	t.Helper()
	ln, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var conns []net.Conn
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, c)
			mu.Unlock()
			wg.Go(func() {
				defer func() { _ = c.Close() }()
				handle(c)
			})
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		mu.Lock()
		for _, c := range conns {
			_ = c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return netip.MustParseAddrPort(ln.Addr().String()).Port()
}

// greet says something at once, then answers each line by the replies' longest
// matching prefix.
func greet(greeting string, replies map[string]string) func(net.Conn) {
	return func(c net.Conn) {
		_, _ = io.WriteString(c, greeting)
		in := bufio.NewScanner(io.LimitReader(c, 64<<10))
		for in.Scan() {
			best := ""
			for prefix := range replies {
				if strings.HasPrefix(in.Text(), prefix) && len(prefix) >= len(best) {
					best = prefix
				}
			}
			if _, err := io.WriteString(c, replies[best]); err != nil {
				return
			}
		}
	}
}

func at(port uint16) string { return "tcp/" + strconv.Itoa(int(port)) }

func portList(ports ...uint16) string {
	var words []string
	for _, p := range ports {
		words = append(words, strconv.Itoa(int(p)))
	}
	return strings.Join(words, ",")
}

// freePort is a port of the address where nobody listens now.
func freePort(t testing.TB, address string) uint16 {
	t.Helper()
	ln, err := net.Listen("tcp", address+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	return netip.MustParseAddrPort(ln.Addr().String()).Port()
}

const host = "ip:127.0.20.1"

// scanned is what was seen of one peer.
type scanned struct {
	*seen
	port uint16
	took time.Duration
	err  error
}

// scanAll looks at many peers at once, each in a run of its own: most of the
// time goes by with waiting for those that say nothing.
func scanAll(t *testing.T, peers map[string]func(net.Conn)) map[string]scanned {
	t.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	all := map[string]scanned{}
	for name, handle := range peers {
		port := serve(t, "127.0.20.1:0", handle)
		wg.Go(func() {
			start := time.Now()
			got, err := run(t, testScope("127.0.20.1", portList(port)), nil)
			mu.Lock()
			defer mu.Unlock()
			all[name] = scanned{got, port, time.Since(start), err}
		})
	}
	wg.Wait()
	return all
}

func TestContract(t *testing.T) {
	plugintest.TestSource(t, network.New(), gyre.Target{CIDR: "127.0.20.0/28", Ports: "1-20"})
}

func TestServices(t *testing.T) {
	type want map[string]any
	mongo := func(open bool) func(net.Conn) { return func(c net.Conn) { serveMongo(c, open) } }
	cases := map[string]struct {
		handle func(net.Conn)
		want   want
		absent []string
		loose  bool // not covered, because something could not be tested
	}{
		"ssh":   {greet("SSH-2.0-OpenSSH_7.4p1 Debian-10+deb9u7\r\n", nil), want{"protocol": "ssh", "product": "OpenSSH", "version": "7.4p1", "ssh_protocol": "2.0", "tls": false}, nil, false},
		"ssh-1": {greet("SSH-1.99-Cisco-1.25\r\n", nil), want{"protocol": "ssh", "ssh_protocol": "1.99", "product": "Cisco"}, nil, false},
		"redis open": {
			greet("", map[string]string{"PING": "+PONG\r\n", "INFO": "$40\r\n# Server\r\nredis_version:7.0.15\r\nos:Linux\r\n\r\n", "": "-ERR unknown command\r\n"}),
			want{"protocol": "redis", "auth_required": false, "version": "7.0.15"},
			nil, false,
		},
		"redis closed": {greet("", map[string]string{"": "-NOAUTH Authentication required.\r\n"}), want{"protocol": "redis", "auth_required": true}, nil, false},
		"redis full": {
			greet("-ERR max number of clients reached\r\n", map[string]string{"": "-ERR max number of clients reached\r\n"}),
			want{"protocol": "redis"},
			[]string{"auth_required"},
			true,
		},
		"memcached":     {greet("", map[string]string{"version": "VERSION 1.6.18\r\n", "": "ERROR\r\n"}), want{"protocol": "memcached", "version": "1.6.18", "auth_required": false}, nil, false},
		"telnet":        {greet("\xff\xfd\x18\xff\xfd\x20\r\nswitch login: ", nil), want{"protocol": "telnet"}, nil, false},
		"telnet prompt": {greet("Welcome\r\nUsername: ", nil), want{"protocol": "telnet"}, nil, false},
		"vnc open":      {serveVNC(1), want{"protocol": "vnc", "auth_required": false, "version": "003.008"}, nil, false},
		"vnc closed":    {serveVNC(2), want{"protocol": "vnc", "auth_required": true}, nil, false},
		"vnc busy":      {serveVNC(0), want{"protocol": "vnc"}, []string{"auth_required"}, true},
		"mysql": {
			greet("\x2a\x00\x00\x00\x0a8.0.36\x00\x0b\x00\x00\x00Jk3vQ8rT\x00\xff\xff\xff\x02\x00\xff\xdf\x15"+strings.Repeat("\x00", 13), nil),
			want{"protocol": "mysql", "version": "8.0.36", "product": "MySQL"},
			nil, false,
		},
		"mariadb":          {greet("\x17\x00\x00\x00\x0a5.5.5-10.6.12-MariaDB\x00", nil), want{"protocol": "mysql", "version": "10.6.12", "product": "MariaDB"}, nil, false},
		"mongodb open":     {mongo(true), want{"protocol": "mongodb", "auth_required": false, "version": "6.0.8"}, nil, false},
		"mongodb closed":   {mongo(false), want{"protocol": "mongodb", "auth_required": true}, nil, false},
		"postgresql":       {servePostgres("R\x00\x00\x00\x17\x00\x00\x00\x0aSCRAM-SHA-256\x00\x00"), want{"protocol": "postgresql", "auth_required": true, "starttls": false}, nil, false},
		"postgresql trust": {servePostgres("R\x00\x00\x00\x08\x00\x00\x00\x00"), want{"protocol": "postgresql", "auth_required": false}, nil, false},
		"postgresql hba":   {servePostgres("E\x00\x00\x00\x20SFATAL\x00C28000\x00Mno entry\x00\x00"), want{"protocol": "postgresql", "auth_required": true}, nil, false},
		"ftp open": {
			greet("220 files ready\r\n", map[string]string{"FEAT": "211-Features:\r\n AUTH TLS\r\n211 End\r\n", "USER": "331 ?\r\n", "PASS": "230 in\r\n", "": "530 log in with USER\r\n"}),
			want{"protocol": "ftp", "anonymous": true, "starttls": true},
			nil, false,
		},
		"ftp closed": {
			greet("220 (vsFTPd 3.0.3)\r\n", map[string]string{"USER": "331 ?\r\n", "PASS": "530 no\r\n", "": "500 what\r\n"}),
			want{"protocol": "ftp", "anonymous": false, "product": "vsFTPd", "version": "3.0.3"},
			nil, false,
		},
		"ftp busy": {greet("220 FTP\r\n", map[string]string{"USER": "421 too many users\r\n", "": "500 what\r\n"}), want{"protocol": "ftp"}, []string{"anonymous"}, true},
		"smtp relay": {
			greet("220 mail ESMTP Postfix\r\n", map[string]string{"EHLO": "250-mail\r\n250 STARTTLS\r\n", "MAIL": "250 ok\r\n", "RCPT": "250 ok\r\n", "": "500 no\r\n"}),
			want{"protocol": "smtp", "open_relay": true, "starttls": true, "product": "Postfix"},
			nil, false,
		},
		"smtp closed": {
			greet("220 mail\r\n", map[string]string{"EHLO": "250 mail\r\n", "MAIL": "250 ok\r\n", "RCPT": "554 relay access denied\r\n", "": "500 no\r\n"}),
			want{"protocol": "smtp", "open_relay": false, "starttls": false},
			nil, false,
		},
		"smtp greylist": {
			greet("220 mail ESMTP\r\n", map[string]string{"EHLO": "250 mail\r\n", "MAIL": "250 ok\r\n", "RCPT": "451 later\r\n", "": "500 no\r\n"}),
			want{"protocol": "smtp"},
			[]string{"open_relay"},
			true,
		},
		"pop3": {greet("+OK Dovecot ready.\r\n", nil), want{"protocol": "pop3", "product": "Dovecot"}, nil, false},
		"imap": {greet("* OK [CAPABILITY IMAP4rev1 STARTTLS] Dovecot ready.\r\n", nil), want{"protocol": "imap", "starttls": true}, nil, false},
		"dns":  {serveDNS, want{"protocol": "dns"}, nil, false},
	}
	peers := map[string]func(net.Conn){}
	for name, c := range cases {
		peers[name] = c.handle
	}
	for name, got := range scanAll(t, peers) {
		t.Run(name, func(t *testing.T) {
			c, port := cases[name], got.port
			if got.err != nil {
				t.Fatal(got.err)
			}
			f := got.fact(t, host, gyre.AspectService, at(port))
			for k, v := range c.want {
				if f[k] != v {
					t.Errorf("%s is %v, want %v; fact %v", k, f[k], v, f)
				}
			}
			for _, k := range c.absent {
				if v, ok := f[k]; ok {
					t.Errorf("%s is %v, though it was not shown", k, v)
				}
			}
			if covers := got.covers(host, gyre.AspectService, at(port)); covers == c.loose {
				t.Errorf("covered is %v", covers)
			}
			if !c.loose && (!got.covers(host, gyre.AspectHTTP, at(port)+"/.env") || !got.covers(host, gyre.AspectTLS, at(port))) {
				t.Error("a port that demonstrably is something else does not cover the web and TLS")
			}
			if len(got.report.Problems) > 0 {
				t.Errorf("problems %v", got.report.Problems)
			}
		})
	}
}

func TestGentleTriesNoLogins(t *testing.T) {
	var mu sync.Mutex
	var lines []string
	port := serve(t, "127.0.20.1:0", func(c net.Conn) {
		_, _ = io.WriteString(c, "220 FTP\r\n")
		in := bufio.NewScanner(io.LimitReader(c, 4096))
		for in.Scan() {
			mu.Lock()
			lines = append(lines, in.Text())
			mu.Unlock()
			_, _ = io.WriteString(c, "230 come in\r\n")
		}
	})
	s := testScope("127.0.20.1", portList(port))
	s.Intensity = gyre.IntensityGentle
	got := mustRun(t, s, nil)
	if f := got.fact(t, host, gyre.AspectService, at(port)); f["anonymous"] != nil || got.covers(host, gyre.AspectService, at(port)) {
		t.Errorf("fact %v, covered %v", f, got.covers(host, gyre.AspectService, at(port)))
	}
	mu.Lock()
	defer mu.Unlock()
	if slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "USER") }) {
		t.Errorf("a gentle scope signed in: %q", lines)
	}
}

func TestPassiveSendsNothing(t *testing.T) {
	port := serve(t, "127.0.20.1:0", func(net.Conn) { t.Error("connected") })
	s := testScope("127.0.20.1", portList(port))
	s.Intensity = gyre.IntensityPassive
	got := mustRun(t, s, nil)
	if len(got.report.Limits) != 1 || len(got.coverage) > 0 {
		t.Errorf("limits %q, coverage %v", got.report.Limits, got.coverage)
	}
}

func TestCancel(t *testing.T) {
	port := serve(t, "127.0.20.1:0", func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := runWith(ctx, t, testScope("127.0.20.0/24", portList(port)+",1-500"), nil); err == nil {
		t.Error("a run that was cut short succeeded")
	}
	if took := time.Since(start); took > 2400*time.Millisecond {
		t.Errorf("stopped %s after it was told to", took-400*time.Millisecond)
	}
}
