// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package packs_test

import (
	"slices"
	"testing"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin/naming"
)

// TestSharedNames: what importers say under the name of a check is what the check says,
// in the same words and at the same place, and they use no name that a check does not have.
func TestSharedNames(t *testing.T) {
	set := load(t)
	site := naming.Site{Host: "shop.example.com", Port: 443, TLS: true}
	checked := 0
	for _, name := range []string{
		naming.HSTSMissing, naming.CSPMissing, naming.FrameOptionsMissing, naming.ContentTypeOptionsMissing, naming.SessionCookieInsecure, naming.CORSAnyOrigin,
		naming.HSTSInvalid, naming.FrameOptionsInvalid, naming.XSSProtectionMissing, naming.HTTPSMissing, naming.HTTPSRedirectMissing,
		naming.IntegrityMissing, naming.CookieWithoutSecure, naming.CookieWithoutHTTPOnly,
	} {
		f := naming.OnSite(name, site)
		c, ok := set.ByID(name)
		if ok != (f.Remedy.Check == name) {
			t.Errorf("%s: there is a check: %v; the remedy is %+v", name, ok, f.Remedy)
		}
		if f.Weakness.Key != name || f.Weakness.Title == "" || len(f.Weakness.CWEs) == 0 {
			t.Errorf("%s is not described: %+v", name, f.Weakness)
		}
		if !ok {
			continue
		}
		checked++
		own := c.Weakness()
		if w := f.Weakness; w.Title != own.Title || w.Class != own.Class || w.Severity != own.Severity || !slices.Equal(w.CWEs, own.CWEs) || f.Aspect != c.Aspect {
			t.Errorf("%s: %+v differs from the check's %+v", name, f, own)
		}
		at := "tcp/443"
		if name == naming.CORSAnyOrigin {
			at += "/#cors" // where the network source asks
		}
		if f.Locus != at {
			t.Errorf("%s: is at %s, the check's at %s", name, f.Locus, at)
		}
	}
	if checked != 6 {
		t.Errorf("%d of the names are checks", checked)
	}
}

// TestSharedCookies: importers and the check agree on which cookies hold a session.
func TestSharedCookies(t *testing.T) {
	set := load(t)
	for _, scheme := range []string{"https", "http"} {
		site := naming.Site{Host: "shop.example.com", Port: 443, TLS: scheme == "https"}
		for _, name := range []string{
			"PHPSESSID", "connect.sid", "sid", "SID", "sidebar", "auth", "oauth_state", "jwt", "rememberMe", "access_token", "accesstoken", "login",
			"csrftoken", "XSRF-TOKEN-sess", "lang", "_ga", "",
		} {
			for _, lacks := range []naming.Flag{naming.CookieWithoutSecure, naming.CookieWithoutHTTPOnly} {
				findings, _, problems := set.Evaluate(gyre.Fact{Aspect: gyre.AspectHTTP, Locus: "tcp/443", Data: map[string]any{
					"url": "x", "scheme": scheme, "path": "/", "probe": "root", "status": int64(200), "content_type": "text/plain", "headers": map[string]any{},
					"cookies": []any{map[string]any{"name": name, "secure": lacks != naming.CookieWithoutSecure, "http_only": lacks != naming.CookieWithoutHTTPOnly}},
				}}, gyre.Asset{}, now)
				fires := slices.ContainsFunc(findings, func(f gyre.Finding) bool { return f.Weakness.Key == naming.SessionCookieInsecure })
				if says := naming.OfCookie(name, lacks, site).Weakness.Key == naming.SessionCookieInsecure; says != fires || len(problems) > 0 {
					t.Errorf("%s, %q, %s: the check fires: %v, importers name it: %v; %v", scheme, name, lacks, fires, says, problems)
				}
			}
		}
	}
}
