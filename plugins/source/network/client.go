// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Limits of one web answer.
const (
	maxHeader = 64 << 10
	maxBody   = 1 << 20
)

// page is an answer of a web server.
type page struct {
	path   string // with query; what was asked for in the end
	status int
	header http.Header
	body   []byte
	whole  bool // the body came to its end within the limits
	stuck  bool // the body broke off, or came too slowly
}

// busy: the server answers, but not for itself (RFC 6585, RFC 9110 15.6): what
// it says is no evidence of anything.
func (g *page) busy() bool {
	switch g.status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// wantsTLS: servers that are spoken to in plain text on a TLS port say so.
func (g *page) wantsTLS() bool {
	return g.status == http.StatusBadRequest && (bytes.Contains(bytes.ToLower(g.body), []byte("https")) || bytes.Contains(g.body, []byte("SSL")))
}

func (g *page) contentType() string { return g.header.Get("Content-Type") }

func (g *page) html() bool {
	return strings.HasPrefix(strings.ToLower(g.contentType()), "text/html")
}

// request is one web request; the zero Method is GET.
type request struct {
	method string
	path   string
	header [][2]string
	body   string
}

// errNotWeb: the peer answered something else than HTTP.
var errNotWeb = errors.New("not HTTP")

// get asks for a path. When the peer does not speak HTTP, raw is what it said.
func (p *peer) get(ctx context.Context, path string) (answer *page, raw []byte) {
	answer, raw, _ = p.send(ctx, request{path: path})
	return answer, raw
}

// send does one request on a connection of its own. Written by hand, because a
// server that is looked at may be anything: nothing is followed, unpacked,
// reused or waited for beyond the limits.
func (p *peer) send(ctx context.Context, r request) (*page, []byte, error) {
	e, err := p.connect(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = e.Close() }()
	if r.method == "" {
		r.method = http.MethodGet
	}
	if _, err := e.Write(r.bytes(p.addr.String())); err != nil {
		return nil, nil, err
	}
	limit := &io.LimitedReader{R: e, N: maxHeader}
	in := bufio.NewReaderSize(limit, 4096)
	e.await(p.pace.answer)
	start, err := in.Peek(5)
	if err != nil && len(start) == 0 {
		return nil, nil, err
	}
	if string(start) != "HTTP/" {
		e.await(50 * time.Millisecond)
		_, _ = in.Peek(greetingBytes)
		raw, _ := in.Peek(min(in.Buffered(), greetingBytes))
		return nil, bytes.Clone(raw), errNotWeb
	}
	_ = e.SetReadDeadline(time.Now().Add(p.pace.whole))
	for range 4 { // after at most three interim answers
		resp, err := http.ReadResponse(in, &http.Request{Method: r.method})
		if err != nil {
			return nil, nil, err
		}
		if resp.StatusCode < 200 && resp.StatusCode != http.StatusSwitchingProtocols {
			continue
		}
		limit.N = maxBody + maxHeader
		body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
		_ = resp.Body.Close()
		g := &page{path: r.path, status: resp.StatusCode, header: resp.Header, body: body, stuck: err != nil}
		g.whole = !g.stuck && len(body) <= maxBody
		return g, nil, nil
	}
	return nil, nil, errNotWeb
}

func (r request) bytes(host string) []byte {
	var b bytes.Buffer
	b.WriteString(r.method + " " + r.path + " HTTP/1.1\r\nHost: " + host + "\r\n")
	b.WriteString("User-Agent: Gyre/1 (authorised exposure assessment)\r\nAccept: */*\r\nAccept-Encoding: identity\r\nConnection: close\r\n")
	for _, h := range r.header {
		b.WriteString(h[0] + ": " + h[1] + "\r\n")
	}
	if r.body != "" || r.method == http.MethodPost {
		b.WriteString("Content-Length: " + itoa(len(r.body)) + "\r\n")
	}
	b.WriteString("\r\n" + r.body)
	return b.Bytes()
}

// follow asks for a path and follows redirections within the same server, at
// most three. It returns each answer on the way.
func (p *peer) follow(ctx context.Context, path string) []*page {
	var way []*page
	for range 4 {
		g, _, err := p.send(ctx, request{path: path})
		if err != nil {
			return nil
		}
		way = append(way, g)
		next := p.sameServer(g, path)
		if next == "" || next == path {
			break
		}
		path = next
	}
	return way
}

// sameServer is where an answer redirects to, as a path, when that is on this
// very server; otherwise "".
func (p *peer) sameServer(g *page, from string) string {
	if g.status < 301 || g.status > 308 || g.header.Get("Location") == "" {
		return ""
	}
	return p.resolve(from, g.header.Get("Location"))
}

// resolve turns a link on a page into a path on the same server, or "".
func (p *peer) resolve(from, link string) string {
	base, err := url.Parse(p.url(from))
	if err != nil || len(link) > 2048 {
		return ""
	}
	to, err := base.Parse(strings.TrimSpace(link))
	if err != nil || to.Scheme != base.Scheme || !strings.EqualFold(to.Host, base.Host) {
		return ""
	}
	path := to.EscapedPath()
	if path == "" {
		path = "/"
	}
	if to.RawQuery != "" {
		path += "?" + to.RawQuery
	}
	if strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return ""
	}
	return path
}

func (p *peer) scheme() string {
	if p.secure {
		return "https"
	}
	return "http"
}

func (p *peer) url(path string) string { return p.scheme() + "://" + p.addr.String() + path }
