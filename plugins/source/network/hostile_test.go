// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package network_test

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gyre-ctem/gyre"
)

// TestHostilePeers: whatever a peer does, the run ends soon, holds little
// memory, and says only what was shown.
func TestHostilePeers(t *testing.T) {
	forever := func(c net.Conn, piece []byte, pause time.Duration) {
		for {
			if _, err := c.Write(piece); err != nil {
				return
			}
			time.Sleep(pause)
		}
	}
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, _ = io.CopyN(z, zeros{}, 256<<20)
	_ = z.Close()
	noise := make([]byte, 4096)
	_, _ = rand.Read(noise)
	cert := certificate(t, "hostile.example", time.Now().AddDate(1, 0, 0))
	request := func(c net.Conn) { // reads one request, roughly
		_ = c.SetReadDeadline(time.Now().Add(time.Second))
		_, _ = c.Read(make([]byte, 4096))
	}
	handlers := map[string]func(net.Conn){
		"tarpit":            func(c net.Conn) { _, _ = io.Copy(io.Discard, c) },
		"closes at once":    func(net.Conn) {},
		"endless banner":    func(c net.Conn) { forever(c, bytes.Repeat([]byte("220-welcome "), 300), 0) },
		"endless lines":     func(c net.Conn) { forever(c, []byte("220-welcome to FTP\r\n"), 0) },
		"one byte a second": func(c net.Conn) { forever(c, []byte("2"), 100*time.Millisecond) },
		"noise":             func(c net.Conn) { request(c); forever(c, noise, 0) },
		"huge header": func(c net.Conn) {
			request(c)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nX-A: ")
			forever(c, bytes.Repeat([]byte("a"), 4096), 0)
		},
		"many headers": func(c net.Conn) {
			request(c)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n")
			forever(c, []byte("X-A: b\r\n"), 0)
		},
		"only interim": func(c net.Conn) { request(c); forever(c, []byte("HTTP/1.1 100 Continue\r\n\r\n"), 0) },
		"endless body": func(c net.Conn) {
			request(c)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
			forever(c, bytes.Repeat([]byte("<a href=/x/>"), 300), 0)
		},
		"endless chunks": func(c net.Conn) {
			request(c)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
			forever(c, []byte("1\r\na\r\n"), 0)
		},
		"slow body": func(c net.Conn) {
			request(c)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
			forever(c, []byte("a"), 50*time.Millisecond)
		},
		"wrong length": func(c net.Conn) {
			request(c)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nx")
		},
		"gzip bomb": func(c net.Conn) {
			request(c)
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n", bomb.Len())
			_, _ = c.Write(bomb.Bytes())
		},
		"deep JSON": func(c net.Conn) {
			request(c)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"+strings.Repeat("[", 900_000))
		},
		"TLS garbage": func(c net.Conn) { request(c); _, _ = io.WriteString(c, "\x16\x03\x03\x40\x00"); forever(c, noise, 0) },
		"TLS alert":   func(c net.Conn) { request(c); _, _ = io.WriteString(c, "\x15\x03\x03\x00\x02\x02\x28") },
		"TLS, then silence": func(c net.Conn) {
			s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}})
			_ = s.Handshake()
			_, _ = io.Copy(io.Discard, c)
		},
		"mongo with a lie": func(c net.Conn) {
			request(c)
			_, _ = c.Write(append([]byte{0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0, 1, 0, 0, 0, 0xdd, 7, 0, 0}, noise...))
		},
		"redirects to files": func(c net.Conn) {
			request(c)
			_, _ = io.WriteString(c, "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n")
		},
	}
	before := heap()
	all := scanAll(t, handlers)
	if after := heap(); after > before+256<<20 {
		t.Errorf("the heap grew from %d to %d MiB", before>>20, after>>20)
	}
	for name, got := range all {
		t.Run(name, func(t *testing.T) {
			port := got.port
			if got.err != nil || got.took > 60*time.Second {
				t.Fatalf("took %s: %v", got.took, got.err)
			}
			f := got.fact(t, host, gyre.AspectService, at(port))
			for _, key := range []string{"auth_required", "anonymous", "open_relay"} {
				if v, ok := f[key]; ok {
					t.Errorf("%s is %v, though nothing like it was shown: %v", key, v, f)
				}
			}
			for place, f := range got.facts {
				if strings.Contains(place, " http ") && f["probe"] != "root" {
					t.Errorf("%s: %v", place, f)
				}
			}
			if n := len(fmt.Sprint(got.facts)); n > 64<<10 {
				t.Errorf("the facts hold %d bytes", n)
			}
			if name == "tarpit" {
				// An unanswered probe must not look like a fix; but the port is open, so the host is there.
				for _, a := range []gyre.Aspect{gyre.AspectService, gyre.AspectTLS, gyre.AspectHTTP} {
					if got.covers(host, a, at(port)) {
						t.Errorf("%s is covered although the peer said nothing", a)
					}
				}
				if f["protocol"] != "unknown" {
					t.Errorf("fact %v", f)
				}
				if !got.covers(host, gyre.AspectHost, "") {
					t.Error("that the host is there is not covered")
				}
			}
			if len(got.report.Problems) > 0 {
				t.Errorf("a hostile peer made the run fail: %v", got.report.Problems)
			}
		})
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func heap() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestCoverageOfPorts(t *testing.T) {
	open := web(t, nil, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "x") })
	shut := freePort(t, "127.0.20.1")
	s := testScope("127.0.20.0/30", portList(open, shut))
	s.Inventory = []string{"127.0.20.0/31", "127.0.20.3"}
	got := mustRun(t, s, nil)
	for _, a := range []gyre.Aspect{gyre.AspectService, gyre.AspectTLS, gyre.AspectHTTP} {
		if !got.covers(host, a, at(shut)) {
			t.Errorf("a port that refuses does not cover %s", a)
		}
	}
	if !got.covers(host, gyre.AspectHTTP, at(shut)+"/.git/HEAD") {
		t.Error("a port that refuses does not cover the paths behind it")
	}
	// tcp/80 must not speak for tcp/8080.
	if got.covers(host, gyre.AspectService, at(shut)+"0") || got.covers(host, gyre.AspectHTTP, at(shut)+"0/x") {
		t.Error("a port speaks for one whose number begins like it")
	}
	if a := got.assets[host]; a.KnownOnly || a.Kind != gyre.Host || a.Identifiers[0] != (gyre.Identifier{Type: gyre.IDIP, Value: "127.0.20.1", Zone: gyre.ZoneDMZ}) {
		t.Errorf("host %+v", a)
	}
	f := got.fact(t, host, gyre.AspectHost, "")
	if fmt.Sprintf("%v %v %v", f["open_ports"], f["listed"], f["address"]) != fmt.Sprintf("[%d] true 127.0.20.1", open) {
		t.Errorf("host fact %v", f)
	}
	// Loopback refuses everywhere: that is no sign of a host, but of its absence.
	const nobody = "ip:127.0.20.2"
	if a := got.assets[nobody]; !a.KnownOnly || got.facts[nobody+" host "] != nil {
		t.Errorf("nobody %+v", a)
	}
	if !got.covers(nobody, gyre.AspectHost, "") || !got.covers(nobody, gyre.AspectService, at(open)) {
		t.Error("that a host is gone is not covered")
	}
}

func TestShadow(t *testing.T) {
	port := serve(t, "127.0.20.9:0", greet("SSH-2.0-x\r\n", nil))
	for want, inventory := range map[string][]string{
		"false": {"127.0.20.1"}, "true": {"127.0.20.9"}, "<nil>": nil,
	} {
		s := testScope("127.0.20.9", portList(port))
		s.Inventory = inventory
		if f := mustRun(t, s, nil).fact(t, "ip:127.0.20.9", gyre.AspectHost, ""); fmt.Sprint(f["listed"]) != want {
			t.Errorf("inventory %v: listed is %v", inventory, f["listed"])
		}
	}
	// A name that nobody can resolve may be this very host.
	s := testScope("127.0.20.9", portList(port))
	s.Inventory = []string{"127.0.20.1", "host.corp.example"}
	got := mustRun(t, s, nil)
	if f := got.fact(t, "ip:127.0.20.9", gyre.AspectHost, ""); f["listed"] != nil || got.covers("ip:127.0.20.9", gyre.AspectHost, "") {
		t.Errorf("listed is %v", f["listed"])
	}
}

// BenchmarkDiscovery sweeps 254 hosts with 50 ports each; one host answers.
func BenchmarkDiscovery(b *testing.B) {
	serve(b, "127.0.22.7:2022", greet("SSH-2.0-OpenSSH_9.9\r\n", nil))
	s := testScope("127.0.22.0/24", "2000-2049")
	connections := 0
	for b.Loop() {
		got := mustRun(b, s, nil)
		if got.facts["ip:127.0.22.7 service tcp/2022"] == nil {
			b.Fatal("the one host was not found")
		}
		connections += 256 * 50
	}
	b.ReportMetric(float64(connections)/b.Elapsed().Seconds(), "ports/s")
}
