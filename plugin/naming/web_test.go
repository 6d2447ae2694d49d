// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package naming

import (
	"testing"

	"github.com/gyre-ctem/gyre"
)

func TestSite(t *testing.T) {
	for text, want := range map[string]struct{ locus, page string }{
		"https://Shop.Example.com/#/login":    {"tcp/443", "https://shop.example.com/a?b#c"},
		"http://shop.example.com.":            {"tcp/80", "http://shop.example.com/a?b#c"},
		" http://192.0.2.1:443/x ":            {"tcp/443", "http://192.0.2.1:443/a?b#c"},
		"https://[2001:DB8::1]:8443/":         {"tcp/8443", "https://[2001:db8::1]:8443/a?b#c"},
		"ftp://shop.example.com/":             {},
		"shop.example.com":                    {},
		"https://shop.example.com:0/":         {},
		"https://shop.example.com:70000/":     {},
		"https:///a":                          {},
		"https://a b/":                        {},
		"https://shop.example.com%00/":        {},
		"HTTPS://user:secret@host:0443/x?y#z": {"tcp/443", "https://host/a?b#c"},
	} {
		s, ok := SiteOf(text)
		if ok != (want.locus != "") {
			t.Errorf("%q: %+v, %v", text, s, ok)
		}
		if ok && (s.Locus() != want.locus || s.Page("/a?b#d", "c") != want.page) {
			t.Errorf("%q: %s %s", text, s.Locus(), s.Page("/a?b#d", "c"))
		}
	}
	if got := (Site{Host: "h", Port: 80}).Page("", ""); got != "http://h/" {
		t.Errorf("the first page is %s", got)
	}
}

func TestHost(t *testing.T) {
	for name, want := range map[string]gyre.Identifier{
		"Shop.Example.com": {Type: gyre.IDFQDN, Value: "shop.example.com"},
		"localhost":        {Type: gyre.IDHostname, Value: "localhost"},
		"::ffff:192.0.2.1": {Type: gyre.IDIP, Value: "192.0.2.1"},
		"fe80::1%eth0":     {Type: gyre.IDIP, Value: "fe80::1"},
	} {
		if a := Host(name); a.Kind != gyre.Host || len(a.Identifiers) != 1 || a.Identifiers[0] != want {
			t.Errorf("%s: %+v", name, a)
		}
	}
}

// A cookie of a session is what the check finds; any other is a place of its own, also
// one that the check leaves out on purpose.
func TestOfCookie(t *testing.T) {
	secure, plain := Site{Host: "h", Port: 443, TLS: true}, Site{Host: "h", Port: 80}
	for _, tc := range []struct {
		cookie    string
		lacks     Flag
		site      Site
		key, at   string
		hasAdvice bool
	}{
		{"PHPSESSID", CookieWithoutSecure, secure, SessionCookieInsecure, "tcp/443", false},
		{"PHPSESSID", CookieWithoutHTTPOnly, plain, SessionCookieInsecure, "tcp/80", false},
		{"PHPSESSID", CookieWithoutSecure, plain, CookieWithoutSecure, "tcp/80#PHPSESSID", true}, // impossible there
		{"csrftoken", CookieWithoutSecure, secure, CookieWithoutSecure, "tcp/443#csrftoken", true},
		{"sess-xsrf", CookieWithoutHTTPOnly, secure, CookieWithoutHTTPOnly, "tcp/443#sess-xsrf", true},
		{"lang", CookieWithoutHTTPOnly, secure, CookieWithoutHTTPOnly, "tcp/443#lang", true},
	} {
		f := OfCookie(tc.cookie, tc.lacks, tc.site)
		if f.Weakness.Key != tc.key || f.Locus != tc.at || f.Aspect != gyre.AspectHTTP || (f.Remedy.Text != "") != tc.hasAdvice {
			t.Errorf("%s: %+v", tc.cookie, f)
		}
	}
}
