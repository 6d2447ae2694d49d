// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// pair is a name and a password that products are delivered with.
type pair struct{ name, password string }

// defaultPairs are few on purpose: an account that locks after several
// failures must not be locked by looking.
var defaultPairs = []pair{{"admin", "admin"}, {"admin", "password"}, {"root", "root"}}

var loginPaths = []string{"/", "/admin", "/login", "/manager/html"}

// maxLogins are tried per web server.
const maxLogins = 2

// logins tries default credentials at the places where administration is, when
// the scope's intensity allows it.
func (s *site) logins(ctx context.Context) {
	if !s.thorough {
		return
	}
	tried := map[string]bool{} // by realm or by the page that the form is on
	for _, path := range loginPaths {
		suffix := path
		if path == "/" {
			suffix = "/#login" // the folder "/" is a place of its own
		}
		if !s.wants(suffix) {
			continue
		}
		way := s.p.follow(ctx, path)
		if way == nil || way[len(way)-1].busy() {
			s.failures++
			continue
		}
		s.failures = 0
		door := s.door(way)
		if door == nil {
			s.covered(suffix)
			continue
		}
		if tried[door.id] {
			s.covered(suffix) // the same door again: its answer is known
			continue
		}
		if len(tried) == maxLogins {
			continue
		}
		tried[door.id] = true
		opened, sure := s.unlock(ctx, door)
		if opened != nil {
			s.found("default-credentials", suffix, way[len(way)-1], map[string]any{
				"login_ok": true, "username": opened.name, "technologies": texts(s.technology),
			})
		}
		if sure {
			s.covered(suffix)
		}
	}
}

// door is a place that asks for a name and a password.
type door struct {
	id    string
	basic bool
	path  string
	// Of a form:
	action, nameField, passwordField string
	fields                           url.Values
	cookies                          string
}

// door is the one on the last page of the way, or nil.
func (s *site) door(way []*page) *door {
	g := way[len(way)-1]
	if g.status == http.StatusUnauthorized {
		challenge := g.header.Get("WWW-Authenticate")
		if !strings.HasPrefix(strings.ToLower(challenge), "basic") {
			return nil
		}
		return &door{id: "basic " + challenge, basic: true, path: g.path}
	}
	if g.status != http.StatusOK {
		return nil
	}
	d := s.form(g)
	if d == nil {
		return nil
	}
	var cookies []string
	for _, step := range way {
		for _, c := range (&http.Response{Header: step.header}).Cookies() {
			if len(cookies) < 20 && len(c.Value) < 4096 {
				cookies = append(cookies, c.Name+"="+c.Value)
			}
		}
	}
	d.cookies = strings.Join(cookies, "; ")
	return d
}

// form is the first form with exactly one password field and one name field
// that is sent to this very server by POST.
func (s *site) form(g *page) *door {
	var best, d *door
	passwords := 0
	end := func() {
		if best == nil && d != nil && passwords == 1 && d.nameField != "" && d.action != "" {
			best = d
		}
		d, passwords = nil, 0
	}
	elements(g, func(tag string, attrs map[string]string, _ func() string) bool {
		switch tag {
		case "form":
			end()
			if strings.EqualFold(attrs["method"], "post") {
				d = &door{id: "form " + g.path, path: g.path, action: s.p.resolve(g.path, attrs["action"]), fields: url.Values{}}
			}
		case "input":
			name := attrs["name"]
			if d == nil || name == "" || len(d.fields) > 30 {
				break
			}
			switch strings.ToLower(attrs["type"]) {
			case "password":
				passwords++
				d.passwordField = name
			case "", "text", "email":
				if d.nameField == "" && passwords == 0 {
					d.nameField = name
				}
			case "hidden":
				d.fields.Set(name, attrs["value"])
			}
		}
		return true
	})
	end()
	return best
}

// try sends one pair.
func (s *site) try(ctx context.Context, d *door, p pair) *page {
	if d.basic {
		token := base64.StdEncoding.EncodeToString([]byte(p.name + ":" + p.password))
		return s.send(ctx, request{path: d.path, header: [][2]string{{"Authorization", "Basic " + token}}})
	}
	fields := url.Values{}
	for k, v := range d.fields {
		fields[k] = v
	}
	fields.Set(d.nameField, p.name)
	fields.Set(d.passwordField, p.password)
	header := [][2]string{{"Content-Type", "application/x-www-form-urlencoded"}}
	if d.cookies != "" && !strings.ContainsAny(d.cookies, "\r\n") {
		header = append(header, [2]string{"Cookie", d.cookies})
	}
	return s.send(ctx, request{method: http.MethodPost, path: d.action, header: header, body: fields.Encode()})
}

// stranger cannot exist: a door that opens for it opens for anybody, and then
// the pair that opened it says nothing about default credentials.
var stranger = pair{"gyre-no-such-user", "e1c1a0b7d5f24c3b"}

// unlock tries the pairs until one opens the door. sure: every try got an answer.
func (s *site) unlock(ctx context.Context, d *door) (opened *pair, sure bool) {
	refusal := s.try(ctx, d, stranger)
	if refusal == nil {
		return nil, false
	}
	if d.basic && refusal.status != http.StatusUnauthorized && refusal.status != http.StatusForbidden {
		return nil, true
	}
	for i := range defaultPairs {
		g := s.try(ctx, d, defaultPairs[i])
		if g == nil || g.status == http.StatusLocked {
			return nil, false
		}
		if s.entered(d, g, refusal) {
			return &defaultPairs[i], true
		}
	}
	return nil, true
}

var signOut = regexp.MustCompile(`(?i)(log|sign)[\s-]?(out|off)`)

// entered compares the answer with the one that the stranger got.
func (s *site) entered(d *door, g, refusal *page) bool {
	if d.basic {
		return g.status >= 200 && g.status < 400
	}
	cookies := len((&http.Response{Header: g.header}).Cookies()) > 0
	switch {
	case g.status == http.StatusFound || g.status == http.StatusSeeOther:
		to := s.p.resolve(d.action, g.header.Get("Location"))
		same := refusal.status == g.status && refusal.header.Get("Location") == g.header.Get("Location")
		path, _, _ := strings.Cut(to, "?")
		back := path == d.path || path == d.action || strings.Contains(strings.ToLower(to), "login") || strings.Contains(strings.ToLower(to), "error")
		return to != "" && cookies && !same && !back
	case g.status == http.StatusOK:
		return s.form(g) == nil && signOut.Match(g.body) && !signOut.Match(refusal.body)
	}
	return false
}
