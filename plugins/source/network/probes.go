// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"context"
	"crypto/rand"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// exposedFile is a file that should not be served, and how to know that it is
// really it: many sites answer every path with a page.
type exposedFile struct {
	probe, path string
	is          func(g *page) bool
	more        func(g *page) map[string]any
}

var exposed = []exposedFile{
	{probe: "git", path: "/.git/HEAD", is: func(g *page) bool {
		return !g.html() && gitHead.Match(g.body)
	}},
	{probe: "env", path: "/.env", is: func(g *page) bool { return len(variables(g)) > 0 }, more: func(g *page) map[string]any {
		return map[string]any{"body_sample": sample(g)} // only the names
	}},
	{probe: "server-status", path: "/server-status", is: func(g *page) bool {
		return apacheStatus.Match(g.body) && strings.Contains(string(g.body), "Server uptime:")
	}},
	{probe: "server-status", path: "/nginx_status", is: func(g *page) bool { return nginxStatus.Match(g.body) }},
}

var (
	gitHead      = regexp.MustCompile(`^ref: refs/[!-~]+\s*$`)
	apacheStatus = regexp.MustCompile(`Apache (Server )?Status`)
	nginxStatus  = regexp.MustCompile(`(?s)^Active connections: \d+.*server accepts handled requests`)
	envLine      = regexp.MustCompile(`^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=`)
)

// variables are the names in an environment file; none when the text is
// anything else.
func variables(g *page) []string {
	if g.html() || len(g.body) > 64<<10 {
		return nil
	}
	var names []string
	for line := range strings.Lines(string(g.body)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		m := envLine.FindStringSubmatch(line)
		if m == nil {
			return nil
		}
		names = append(names, m[1])
	}
	return names
}

func (s *site) exposedFiles(ctx context.Context) {
	for _, f := range exposed {
		if !s.wants(f.path) {
			continue
		}
		g := s.get(ctx, f.path)
		if g == nil || !g.whole && g.status == http.StatusOK {
			continue
		}
		if g.status == http.StatusOK && f.is(g) {
			no := s.missing(ctx)
			if no == nil {
				continue
			}
			if no.status != http.StatusOK || !f.is(no) {
				var more map[string]any
				if f.more != nil {
					more = f.more(g)
				}
				s.found(f.probe, f.path, g, more)
			}
		}
		s.covered(f.path)
	}
}

// usualFolders often hold what nobody links to.
var usualFolders = []string{
	"/", "/files/", "/uploads/", "/upload/", "/backup/", "/backups/", "/images/", "/assets/", "/static/", "/download/", "/downloads/", "/data/", "/logs/",
}

// listings looks for folders whose files the server lists.
func (s *site) listings(ctx context.Context) {
	paths := slices.Clone(usualFolders)
	for _, f := range s.folders(s.root, 6) {
		if !slices.Contains(paths, f) {
			paths = append(paths, f)
		}
	}
	if s.only != nil {
		// A retest knows the folder, even if no page links to it any more.
		if suffix, ok := strings.CutPrefix(s.place, s.loci[s.out.number].at); ok && strings.HasSuffix(suffix, "/") && !strings.Contains(suffix, "#") {
			paths = []string{suffix}
		}
	}
	for _, path := range paths {
		if !s.wants(path) {
			continue
		}
		g := s.root
		if path != "/" || s.root.busy() {
			if g = s.get(ctx, path); g == nil {
				continue
			}
		}
		if g.status == http.StatusOK && lists(g) {
			if path != "/" {
				no := s.missing(ctx)
				if no == nil {
					continue
				}
				if no.status == http.StatusOK && lists(no) {
					s.covered(path)
					continue
				}
			}
			s.found("listing", path, g, nil)
		}
		s.covered(path)
	}
}

var (
	indexTitle = regexp.MustCompile(`(?i)^(index of /|directory listing (for|of) /|directory: /)`)
	goListing  = regexp.MustCompile(`(?s)^(<!doctype html>\s*<meta name="viewport"[^>]*>\s*)?<pre>\s*(<a href="[^"]+">[^<]*</a>\s*)+</pre>\s*$`)
	iisListing = regexp.MustCompile(`(?i)<a href="[^"]*">\[To Parent Directory\]</a>`)
)

// lists says whether a page is a listing: the title that Apache, nginx, Python
// and others give it, with links below; or the bare forms of Go and IIS.
func lists(g *page) bool {
	if !g.html() {
		return false
	}
	if goListing.Match(g.body) || iisListing.Match(g.body) {
		return true
	}
	links := 0
	elements(g, func(tag string, attrs map[string]string, _ func() string) bool {
		if tag == "a" && attrs["href"] != "" {
			links++
		}
		return links < 1
	})
	return links > 0 && indexTitle.MatchString(title(g))
}

// trace asks the server to send the request back (RFC 9110, section 9.3.8).
func (s *site) trace(ctx context.Context) {
	const suffix = "/#trace" // a fragment is never part of a request, so no page has this place
	if !s.wants(suffix) {
		return
	}
	nonce := rand.Text()
	g := s.send(ctx, request{method: http.MethodTrace, path: "/", header: [][2]string{{"X-Gyre-Nonce", nonce}}})
	if g == nil {
		return
	}
	body := string(g.body)
	if g.status == http.StatusOK && strings.HasPrefix(body, "TRACE / ") && strings.Contains(body, nonce) {
		s.found("trace", suffix, g, nil)
	}
	s.covered(suffix)
}

// foreignOrigin is one that nobody can have allowed.
const foreignOrigin = "https://" + probeName

// cors asks as a page of a foreign origin would (Fetch standard, section 3.2).
func (s *site) cors(ctx context.Context) {
	const suffix = "/#cors"
	if !s.wants(suffix) {
		return
	}
	g := s.send(ctx, request{path: "/", header: [][2]string{{"Origin", foreignOrigin}}})
	if g == nil {
		return
	}
	if g.header.Get("Access-Control-Allow-Origin") == foreignOrigin && g.header.Get("Access-Control-Allow-Credentials") == "true" {
		s.found("cors", suffix, g, map[string]any{"cors_any_origin_credentials": true, "headers": headers(g.header)})
	}
	s.covered(suffix)
}
