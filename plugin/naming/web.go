// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package naming

import (
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin/document"
)

// What is wrong with web servers and has no number in any catalogue. Where Gyre looks for
// it itself, the name is that of its check: what the check finds, and what tools
// report, is one weakness. An importer uses such a name only where its tool says what the
// check says, because the check closes what it no longer finds.
const (
	HSTSMissing               = "http.hsts-missing"
	CSPMissing                = "http.csp-missing"
	FrameOptionsMissing       = "http.frame-options-missing"
	ContentTypeOptionsMissing = "http.content-type-options-missing"
	SessionCookieInsecure     = "http.cookie-insecure"
	CORSAnyOrigin             = "http.cors-any-origin"

	HSTSInvalid           = "http.hsts-invalid"
	FrameOptionsInvalid   = "http.frame-options-invalid"
	XSSProtectionMissing  = "http.xss-protection-missing"
	HTTPSMissing          = "http.https-missing"
	HTTPSRedirectMissing  = "http.https-redirect-missing"
	IntegrityMissing      = "http.subresource-integrity-missing"
	CookieWithoutSecure   = "http.cookie-without-secure"
	CookieWithoutHTTPOnly = "http.cookie-without-httponly"
)

// webWeakness is one of them.
type webWeakness struct {
	title    string
	severity gyre.Severity
	cwes     []string
	advice   string // empty: there is a check of this name, which says more
	below    string // what follows the port in the check's place
}

var webWeaknesses = map[string]webWeakness{
	HSTSMissing:               {"HSTS is not set", gyre.SeverityLow, []string{"CWE-319"}, "", ""},
	CSPMissing:                {"There is no content security policy", gyre.SeverityLow, []string{"CWE-693", "CWE-1021"}, "", ""},
	FrameOptionsMissing:       {"Pages can be framed by other sites", gyre.SeverityLow, []string{"CWE-1021"}, "", ""},
	ContentTypeOptionsMissing: {"Browsers may guess content types", gyre.SeverityLow, []string{"CWE-430"}, "", ""},
	SessionCookieInsecure:     {"Session cookie lacks Secure or HttpOnly", gyre.SeverityMedium, []string{"CWE-614", "CWE-1004"}, "", ""},
	CORSAnyOrigin:             {"Any site may read responses with the user's credentials", gyre.SeverityMedium, []string{"CWE-942"}, "", "/#cors"},

	HSTSInvalid:           {"HSTS cannot be understood", gyre.SeverityLow, []string{"CWE-319"}, "Send Strict-Transport-Security once, with a max-age: max-age=31536000; includeSubDomains.", ""},
	FrameOptionsInvalid:   {"X-Frame-Options cannot be understood", gyre.SeverityLow, []string{"CWE-1021"}, "Send X-Frame-Options once, with DENY or SAMEORIGIN, or say it with frame-ancestors in the content security policy.", ""},
	XSSProtectionMissing:  {"X-XSS-Protection is not set", gyre.SeverityInfo, []string{"CWE-693"}, "Send X-XSS-Protection for old browsers, or a content security policy without unsafe-inline, which makes it unnecessary.", ""},
	HTTPSMissing:          {"The site has no HTTPS", gyre.SeverityMedium, []string{"CWE-319"}, "Obtain a certificate, serve the site over HTTPS, and lead plain HTTP there.", ""},
	HTTPSRedirectMissing:  {"Plain HTTP does not lead to HTTPS", gyre.SeverityLow, []string{"CWE-319"}, "Answer every request of plain HTTP with a redirection (301) to the same address over HTTPS.", ""},
	IntegrityMissing:      {"Scripts of other sites are loaded without a check of their integrity", gyre.SeverityLow, []string{"CWE-353"}, "Give every script of another site an integrity attribute with its hash, and load it over HTTPS; or serve it yourself.", ""},
	CookieWithoutSecure:   {"Cookie lacks Secure", gyre.SeverityLow, []string{"CWE-614"}, "Set Secure where the cookie is made, once the whole site is on HTTPS.", ""},
	CookieWithoutHTTPOnly: {"Cookie lacks HttpOnly", gyre.SeverityLow, []string{"CWE-1004"}, "Set HttpOnly where the cookie is made, unless scripts have to read it.", ""},
}

// Site is a web server as a URL names it: a host and a port. What is said of all that it
// answers, such as a header that is missing, is said of the site and not of a path.
type Site struct {
	Host string // in lower case, without brackets
	Port int
	TLS  bool
}

// SiteOf is the site of an absolute URL.
func SiteOf(text string) (Site, bool) {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return Site{}, false
	}
	s := Site{Host: strings.TrimRight(strings.ToLower(u.Hostname()), "."), Port: 80, TLS: u.Scheme == "https"}
	if s.TLS {
		s.Port = 443
	}
	if p := u.Port(); p != "" {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n == 0 {
			return Site{}, false
		}
		s.Port = int(n) // #nosec G115 -- at most 65535
	}
	if s.Host == "" || s.Host != document.Line(s.Host, 253) || strings.ContainsAny(s.Host, " /?#@\\") {
		return Site{}, false
	}
	return s, true
}

// Locus is the place of what is said of the whole site, as Gyre's own checks write it.
func (s Site) Locus() string { return "tcp/" + strconv.Itoa(s.Port) }

// Page is the place of what is said of one page, and of the parameter that lets the attack in.
func (s Site) Page(path, parameter string) string {
	path, _, _ = strings.Cut(document.Line(path, 700), "#")
	host := s.Host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	scheme, port := "http", 80
	if s.TLS {
		scheme, port = "https", 443
	}
	if s.Port != port {
		host += ":" + strconv.Itoa(s.Port)
	}
	page := scheme + "://" + host + "/" + strings.TrimPrefix(path, "/")
	if parameter = document.Line(parameter, 100); parameter != "" {
		page += "#" + parameter
	}
	return page
}

// Host is a host by its name or its address.
func Host(name string) gyre.AssetSighting {
	a := gyre.AssetSighting{Kind: gyre.Host, Name: document.Line(name, maxAsset)}
	switch addr, err := netip.ParseAddr(name); {
	case err == nil:
		Identify(&a, gyre.IDIP, addr.Unmap().WithZone("").String())
	case strings.Contains(name, "."):
		Identify(&a, gyre.IDFQDN, name)
	default:
		Identify(&a, gyre.IDHostname, name)
	}
	return a
}

// OnSite is the finding of one of the weaknesses above at a site. Asset and evidence
// are left to the importer.
func OnSite(name string, s Site) gyre.Finding {
	w := webWeaknesses[name]
	f := gyre.Finding{
		Weakness: gyre.Weakness{Key: name, Class: gyre.Misconfiguration, Title: w.title, Severity: w.severity, CWEs: slices.Clone(w.cwes), Remediation: w.advice},
		Aspect:   gyre.AspectHTTP, Locus: s.Locus() + w.below, Severity: w.severity,
		Remedy: gyre.Remedy{Kind: gyre.RemedyText, Text: w.advice},
	}
	if w.advice == "" {
		f.Remedy = gyre.Remedy{Kind: gyre.RemedyChange, Check: name}
	}
	return f
}

// Flag is a flag of a cookie, by the name of what it is to lack it: CookieWithoutSecure or CookieWithoutHTTPOnly.
type Flag string

// OfCookie is the finding that a cookie lacks a flag. Of a session cookie it is what Gyre's check
// says of the site; any other cookie is a place of its own.
func OfCookie(cookie string, lacks Flag, s Site) gyre.Finding {
	cookie = document.Line(cookie, 200)
	if IsSession(cookie) && (s.TLS || lacks == CookieWithoutHTTPOnly) {
		return OnSite(SessionCookieInsecure, s)
	}
	f := OnSite(string(lacks), s)
	f.Locus += "#" + cookie
	return f
}

var (
	session = regexp.MustCompile(`(?i)(sess|^sid$|[._-]sid$|auth|jwt|login|remember|access_?token)`)
	forgery = regexp.MustCompile(`(?i)(csrf|xsrf)`)
)

// IsSession says whether a cookie's name is one of those that hold a session, as the check
// SessionCookieInsecure has it. Tokens against request forgery hold none.
func IsSession(cookie string) bool {
	return session.MatchString(cookie) && !forgery.MatchString(cookie)
}
