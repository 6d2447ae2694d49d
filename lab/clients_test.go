// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// at is the address of a host's service.
func at(t *testing.T, e *Estate, host, service string) string {
	t.Helper()
	for _, l := range e.listeners {
		if l.host.name == host && l.service.name == service {
			return fmt.Sprintf("%s:%d", l.address, l.port)
		}
	}
	t.Fatalf("no %s on %s", service, host)
	return ""
}

func handshake(t *testing.T, e *Estate, host string, conf *tls.Config) (*x509.Certificate, error) {
	t.Helper()
	c, err := tls.DialWithDialer(&net.Dialer{Timeout: 3 * time.Second}, "tcp", at(t, e, host, "https"), conf)
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }()
	return c.ConnectionState().PeerCertificates[0], nil
}

// get asks a site; hdr are pairs.
func ask(t *testing.T, e *Estate, method, host, service, path string, hdr ...string) (*http.Response, string) {
	t.Helper()
	scheme := "https"
	if service != "https" {
		scheme = "http"
	}
	req, err := http.NewRequestWithContext(t.Context(), method, scheme+"://"+at(t, e, host, service)+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(hdr); i += 2 {
		req.Header.Set(hdr[i], hdr[i+1])
	}
	client := &http.Client{Timeout: 3 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // #nosec -- the certificates are what is tested
	}}
	resp, err := client.Do(req)
	if err != nil {
		return &http.Response{StatusCode: 0, Header: http.Header{}}, ""
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// talk sends lines and returns everything the server said.
func talk(t *testing.T, addr string, say ...string) string {
	t.Helper()
	c, err := net.DialTimeout("tcp", addr, 3*time.Second)
	if err != nil {
		return ""
	}
	defer func() { _ = c.Close() }()
	if err := c.SetDeadline(time.Now().Add(3 * time.Second)); err != nil {
		t.Fatal(err)
	}
	for _, s := range say {
		if _, err := c.Write([]byte(s)); err != nil {
			t.Fatal(err)
		}
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
	}
	all, err := io.ReadAll(io.LimitReader(c, 64<<10))
	if err != nil && !errors.Is(err, net.ErrClosed) {
		t.Logf("read from %s: %v", addr, err)
	}
	return string(all)
}

func open(t *testing.T, addr string) bool {
	t.Helper()
	c, err := net.DialTimeout("tcp", addr, time.Second)
	if err == nil {
		_ = c.Close()
	}
	return err == nil
}

func query(t *testing.T, e *Estate, network, name string, kind uint16, do bool) *dns.Msg {
	t.Helper()
	m := new(dns.Msg).SetQuestion(dns.Fqdn(name), kind)
	if do {
		m.SetEdns0(1232, true)
	}
	reply, _, err := (&dns.Client{Net: network, Timeout: 3 * time.Second}).Exchange(m, at(t, e, "ns1", "dns"))
	if err != nil {
		t.Fatal(err)
	}
	return reply
}

func texts(m *dns.Msg) string {
	var all []string
	for _, rr := range m.Answer {
		if txt, ok := rr.(*dns.TXT); ok {
			all = append(all, txt.Txt...)
		}
	}
	return strings.Join(all, "\n")
}

// signed checks the signature of the zone's SOA with the zone's own key.
func signed(t *testing.T, e *Estate, zone string) bool {
	t.Helper()
	var key *dns.DNSKEY
	for _, rr := range query(t, e, "tcp", zone, dns.TypeDNSKEY, true).Answer {
		if k, ok := rr.(*dns.DNSKEY); ok {
			key = k
		}
	}
	if key == nil {
		return false
	}
	var set []dns.RR
	var sig *dns.RRSIG
	for _, rr := range query(t, e, "tcp", zone, dns.TypeSOA, true).Answer {
		switch rr := rr.(type) {
		case *dns.SOA:
			set = append(set, rr)
		case *dns.RRSIG:
			sig = rr
		}
	}
	if sig == nil || !sig.ValidityPeriod(time.Now()) {
		return false
	}
	return sig.Verify(key, set) == nil
}

// ftpAnonymous logs in and lists, over a passive data connection.
func ftpAnonymous(t *testing.T, e *Estate) bool {
	c, err := net.DialTimeout("tcp", at(t, e, "ftp", "ftp"), 3*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := c.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(c)
	cmd := func(s string) string {
		if _, err := fmt.Fprintf(c, "%s\r\n", s); err != nil {
			t.Fatal(err)
		}
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return line
	}
	if hello, err := r.ReadString('\n'); err != nil || !strings.HasPrefix(hello, "220") {
		t.Fatalf("%q %v", hello, err)
	}
	cmd("USER anonymous")
	if !strings.HasPrefix(cmd("PASS probe@example.org"), "230") {
		return false
	}
	var port int
	if _, err := fmt.Sscanf(cmd("EPSV"), "229 entering extended passive mode (|||%d|)", &port); err != nil {
		t.Fatal(err)
	}
	host, _, _ := net.SplitHostPort(c.RemoteAddr().String())
	data, err := net.DialTimeout("tcp", fmt.Sprintf("%s:%d", host, port), 3*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = data.Close() }()
	cmd("LIST")
	list, err := io.ReadAll(data)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(list), "README.txt")
}
