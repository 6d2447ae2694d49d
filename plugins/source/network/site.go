// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"context"
	"crypto/rand"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/html"

	"github.com/gyre-ctem/gyre"
)

func itoa(n int) string { return strconv.Itoa(n) }

// site is a web server that is being looked at.
type site struct {
	*look
	p    *peer
	root *page
	out  *port

	nowhere    *page // what it says to a path that cannot exist; nil until asked
	failures   int   // requests in a row that got no answer
	stuck      int   // requests whose answer broke off
	technology []string
}

// web looks at a web server: what it is, its first page, and the places where
// weak servers show too much.
func (l *look) web(ctx context.Context, p *peer, root *page, out *port) {
	if s := engine(ctx, p, root); s != nil {
		out.settle(s, p)
		return
	}
	out.service = out.base(p.scheme(), p)
	if name := printable([]byte(root.header.Get("Server")), bannerLimit); name != "" {
		out.service["banner"] = name
		if m := serverProduct.FindStringSubmatch(name); m != nil {
			out.service["product"] = m[1]
			if m[2] != "" {
				out.service["version"] = m[2]
			}
		}
	}
	out.knowsService = !root.busy()
	if l.only != nil && l.only.Aspect != gyre.AspectHTTP {
		return
	}
	s := &site{look: l, p: p, root: root, out: out}
	if root.stuck {
		s.stuck, s.failures = 1, 1
	}
	s.first(ctx)
	s.exposedFiles(ctx)
	s.listings(ctx)
	s.trace(ctx)
	s.cors(ctx)
	s.interfaces(ctx)
	s.logins(ctx)
	if s.failures >= maxFailures {
		l.notes.limit("%s: the web server stopped answering, so part of it was not looked at", p.addr)
	}
}

var serverProduct = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9_.-]*)(?:/v?([0-9][0-9A-Za-z.-]*))?`)

const maxFailures = 3

// wants says whether a place is to be looked at: in a retest only one is, and a
// server that has stopped answering is left alone.
func (s *site) wants(suffix string) bool {
	if s.failures >= maxFailures {
		return false
	}
	return s.only == nil || s.place == s.loci[s.out.number].at+suffix
}

// get asks for a path and keeps the count of failures.
func (s *site) get(ctx context.Context, path string) *page {
	return s.send(ctx, request{path: path})
}

func (s *site) send(ctx context.Context, r request) *page {
	if ctx.Err() != nil {
		s.failures = maxFailures
		return nil
	}
	g, _, err := s.p.send(ctx, r)
	if err != nil || g.busy() {
		s.failures++
		return nil
	}
	s.failures = 0
	if g.stuck { // an answer, but one that costs as much as none
		s.failures = s.stuck + 1
		s.stuck++
	}
	return g
}

// covered: the server gave an answer about the place.
func (s *site) covered(suffix string) { s.out.webLoci = append(s.out.webLoci, suffix) }

// found adds the fact of a probe whose signature matched.
func (s *site) found(probe, suffix string, g *page, more map[string]any) {
	path, _, _ := strings.Cut(g.path, "#")
	fact := map[string]any{
		"url": s.p.url(path), "scheme": s.p.scheme(), "path": path, "probe": probe, "found": true, "status": int64(g.status),
		"content_type": printable([]byte(g.contentType()), 200),
	}
	if t := title(g); t != "" {
		fact["title"] = t
	}
	for k, v := range more {
		fact[k] = v
	}
	s.out.pages[suffix] = fact
}

// missing is the server's answer to a path that cannot exist, for sites that
// answer everything with a page.
func (s *site) missing(ctx context.Context) *page {
	if s.nowhere == nil {
		s.nowhere = s.get(ctx, "/"+strings.ToLower(rand.Text()[:16]))
	}
	return s.nowhere
}

// first describes the page that a visitor gets.
func (s *site) first(ctx context.Context) {
	way := []*page{s.root}
	if next := s.p.sameServer(s.root, "/"); next != "" && next != "/" {
		way = append(way, s.p.follow(ctx, next)...)
	}
	g := way[len(way)-1]
	var cookies []any
	seen := map[string]bool{}
	for _, step := range way {
		for _, c := range (&http.Response{Header: step.header}).Cookies() {
			if len(cookies) == 50 || seen[c.Name] {
				continue
			}
			seen[c.Name] = true
			cookies = append(cookies, map[string]any{
				"name": printable([]byte(c.Name), 200), "secure": c.Secure, "http_only": c.HttpOnly, "same_site": sameSite(c.SameSite),
			})
		}
	}
	s.technology = technologies(g, cookies)
	fact := map[string]any{
		"url": s.p.url(g.path), "scheme": s.p.scheme(), "path": g.path, "probe": "root", "status": int64(g.status),
		"headers": headers(g.header), "cookies": cookies, "technologies": texts(s.technology),
		"content_type": printable([]byte(g.contentType()), 200), "title": title(g),
	}
	if cookies == nil {
		fact["cookies"] = []any{}
	}
	if strings.HasPrefix(fact["content_type"].(string), "text/") { // set above
		fact["body_sample"] = sample(g)
	}
	s.out.pages[""] = fact
	if !g.busy() && !g.stuck && len(way) <= 4 {
		s.covered("")
	}
}

func sameSite(m http.SameSite) string {
	switch m {
	case http.SameSiteLaxMode:
		return "lax"
	case http.SameSiteStrictMode:
		return "strict"
	case http.SameSiteNoneMode:
		return "none"
	}
	return ""
}

// headers are the answer's header fields, without the values of those that are secrets.
func headers(h http.Header) map[string]any {
	out := map[string]any{}
	for _, name := range sortedKeys(h) {
		low := strings.ToLower(name)
		if len(out) == 64 {
			break
		}
		if low == "set-cookie" || strings.ContainsAny(low, " \t") {
			continue
		}
		value := notKept
		if !secretHeader.MatchString(low) {
			value = withoutSecrets(printable([]byte(strings.Join(h[name], ", ")), 1024))
		}
		out[printable([]byte(low), 100)] = value
	}
	return out
}

// title is the text of the page's title element.
func title(g *page) string {
	var t string
	elements(g, func(tag string, _ map[string]string, text func() string) bool {
		if tag == "title" {
			t = strings.Join(strings.Fields(printable([]byte(text()), 200)), " ")
			return false
		}
		return true
	})
	return t
}

// elements walks over the start tags of an HTML page until visit returns false.
func elements(g *page, visit func(tag string, attrs map[string]string, text func() string) bool) {
	if !g.html() {
		return
	}
	const most = 20_000
	z := html.NewTokenizer(strings.NewReader(string(g.body)))
	z.SetMaxBuf(maxBody)
	for range most {
		switch z.Next() {
		case html.ErrorToken:
			return
		case html.StartTagToken, html.SelfClosingTagToken:
			t := z.Token()
			attrs := make(map[string]string, len(t.Attr))
			for _, a := range t.Attr {
				if _, twice := attrs[a.Key]; !twice {
					attrs[a.Key] = a.Val
				}
			}
			text := func() string {
				if z.Next() == html.TextToken {
					return string(z.Text())
				}
				return ""
			}
			if !visit(t.Data, attrs, text) {
				return
			}
		}
	}
}

// folders are the folders of the same server that the page links to or loads from.
func (s *site) folders(g *page, most int) []string {
	var list []string
	elements(g, func(_ string, attrs map[string]string, _ func() string) bool {
		for _, key := range []string{"href", "src"} {
			if attrs[key] == "" {
				continue
			}
			path, _, _ := strings.Cut(s.p.resolve(g.path, attrs[key]), "?")
			if i := strings.LastIndexByte(path, '/'); i > 0 && !slices.Contains(list, path[:i+1]) {
				list = append(list, path[:i+1])
			}
		}
		return len(list) < most
	})
	return list
}
