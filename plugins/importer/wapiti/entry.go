// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package wapiti

import (
	"encoding/xml"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin/document"
	"github.com/gyre-ctem/gyre/plugin/naming"
)

// category is a kind of weakness, with what Wapiti says of it in general.
type category struct {
	name  string
	ofAll bool // it is about the whole site
	w     gyre.Weakness
}

// ofSites are the categories that are about whole sites.
var ofSites = map[string]bool{
	"Content Security Policy Configuration": true, "HTTP Secure Headers": true, "Clickjacking Protection": true, "MIME Type Confusion": true,
	"HTTP Strict Transport Security (HSTS)": true, "HttpOnly Flag cookie": true, "Secure Flag cookie": true, "TLS/SSL misconfigurations": true,
	"Unencrypted Channels": true,
}

// credentials is the category whose entries tell passwords.
const credentials = "Weak credentials"

// category reads a category and its entries, which stand behind what is said of it.
func (im *importer) category(name string) error {
	c := category{name: document.Line(name, 200)}
	c.ofAll = ofSites[c.name]
	c.w = gyre.Weakness{Key: "wapiti:" + slug(c.name), Class: gyre.Vulnerability, Title: c.name}
	if c.ofAll {
		c.w.Class = gyre.Misconfiguration
	}
	return im.x.Children(func(el xml.StartElement) error {
		var err error
		var text string
		switch el.Name.Local {
		case "description":
			text, err = im.x.Text()
			c.w.Description = document.Lines(text, 4000)
		case "solution":
			text, err = im.x.Text()
			c.w.Remediation = document.Lines(text, 4000)
		case "references":
			return im.x.Children(func(xml.StartElement) error { return im.reference(&c) })
		case "entries":
			return im.x.Children(func(el xml.StartElement) error {
				if el.Name.Local != "entry" {
					return nil
				}
				return im.entry(&c)
			})
		}
		return err
	})
}

var cweTitle = regexp.MustCompile(`^CWE-\d+`)

func (im *importer) reference(c *category) error {
	return im.x.Children(func(el xml.StartElement) error {
		if el.Name.Local != "title" && el.Name.Local != "url" {
			return nil
		}
		title := el.Name.Local == "title"
		text, err := im.x.Text()
		switch {
		case err != nil:
			return err
		case title:
			c.w.CWEs = naming.CWE(c.w.CWEs, cweTitle.FindString(text))
		case len(c.w.References) < maxReferences:
			c.w.References = naming.Links(append(c.w.References, text)...)
		}
		return nil
	})
}

// entry is one thing that was found.
type entry struct {
	method, path, level, parameter, info, request, curl, module string
}

func (e *entry) member(name string) *string {
	switch name {
	case "method":
		return &e.method
	case "path":
		return &e.path
	case "level":
		return &e.level
	case "parameter":
		return &e.parameter
	case "info":
		return &e.info
	case "http_request":
		return &e.request
	case "curl_command":
		return &e.curl
	case "module":
		return &e.module
	}
	return nil
}

func (im *importer) entry(c *category) error {
	var e entry
	err := im.x.Children(func(el xml.StartElement) (err error) {
		if member := e.member(el.Name.Local); member != nil {
			*member, err = im.x.Text()
		}
		return err
	})
	if err != nil {
		return err
	}
	im.done++
	im.in.Progress(im.done, 0, c.name)
	site, ok := im.siteOf(&e)
	if !ok || c.name == "" {
		im.note("an entry that does not say of which site it is, or in no category")
		return nil
	}
	f := im.finding(c, &e, site)
	// A page that was met twice is said twice.
	key := f.Weakness.Key + " " + site.Host + " " + f.Locus
	if im.seen[key] {
		return nil
	}
	if len(im.seen) < maxRepeats {
		im.seen[key] = true
	}
	if f.Asset, err = im.asset(site); err != nil {
		return err
	}
	if f.Asset == "" {
		im.note("an entry of one host more than can be told apart")
		return nil
	}
	return im.out.Finding(f)
}

var address = regexp.MustCompile(`https?://[^\s"'<>\\]+`)

// siteOf is the site that an entry is of: that of its request, else the target.
func (im *importer) siteOf(e *entry) (naming.Site, bool) {
	if s, ok := naming.SiteOf(address.FindString(e.curl)); ok {
		if im.target.Host == "" {
			im.target = s
		}
		return s, true
	}
	return im.target, im.target.Host != ""
}

func (im *importer) finding(c *category, e *entry, site naming.Site) gyre.Finding {
	info := document.Line(e.info, 500)
	f, known := c.shared(info, site)
	if !known {
		f = c.own(e, info, site)
		f.Severity = im.severity(e.level)
		f.Weakness.Severity = f.Severity
	}
	f.Evidence = gyre.Evidence{Summary: info, Data: map[string]any{}}
	if c.name == credentials || info == "" {
		f.Evidence.Summary = c.name
	}
	path, _, _ := strings.Cut(e.path, "?") // values of a query may be secrets
	for k, v := range map[string]string{"category": c.name, "method": e.method, "path": path, "parameter": e.parameter, "module": e.module, "payload": c.payload(e)} {
		if v = document.Line(v, 500); v != "" {
			f.Evidence.Data[k] = v
		}
	}
	return f
}

var (
	notSet  = regexp.MustCompile(`^(CSP|Strict-Transport-Security|Strict Transport Security \(HSTS\)|X-[A-Za-z-]+) is not set\b`)
	invalid = regexp.MustCompile(`^(Strict-Transport-Security|X-[A-Za-z-]+) has an invalid value\b`)
	flagged = regexp.MustCompile(`^(Secure|HttpOnly) flag is not set (?:in|on) the cookie ?:? ?(?:'([^']*)' set at .*|(.*))$`)
)

var missing = map[string]string{
	"CSP": naming.CSPMissing, "Strict-Transport-Security": naming.HSTSMissing, "Strict Transport Security (HSTS)": naming.HSTSMissing,
	"X-Frame-Options": naming.FrameOptionsMissing, "X-Content-Type-Options": naming.ContentTypeOptionsMissing, "X-XSS-Protection": naming.XSSProtectionMissing,
}

var misunderstood = map[string]string{
	"Strict-Transport-Security": naming.HSTSInvalid, "X-Frame-Options": naming.FrameOptionsInvalid, "X-Content-Type-Options": naming.ContentTypeOptionsMissing,
}

// shared is what a check, or another tool, says in other words; false when it is nothing of that kind.
func (c *category) shared(info string, site naming.Site) (gyre.Finding, bool) {
	if !c.ofAll {
		return gyre.Finding{}, false
	}
	name := ""
	if m := notSet.FindStringSubmatch(info); m != nil {
		name = missing[m[1]]
	} else if m := invalid.FindStringSubmatch(info); m != nil {
		name = misunderstood[m[1]]
	} else if m := flagged.FindStringSubmatch(info); m != nil && m[2]+m[3] != "" {
		lacks := naming.Flag(naming.CookieWithoutSecure)
		if m[1] == "HttpOnly" {
			lacks = naming.CookieWithoutHTTPOnly
		}
		return naming.OfCookie(m[2]+m[3], lacks, site), true
	} else if strings.HasPrefix(info, "No HTTPS redirection") || strings.HasPrefix(info, "Redirected to HTTP ") {
		name = naming.HTTPSRedirectMissing
	}
	return naming.OnSite(name, site), name != ""
}

var (
	cve   = regexp.MustCompile(`(?i)\bCVE-\d{4}-\d{4,19}\b`)
	where = regexp.MustCompile(`(?: for URL)?:? https?://\S*`)
)

// own is what goes by Wapiti's category.
func (c *category) own(e *entry, info string, site naming.Site) gyre.Finding {
	w := c.w
	w.CWEs, w.References = slices.Clone(w.CWEs), slices.Clone(w.References)
	f := gyre.Finding{Weakness: w, Aspect: gyre.AspectHTTP, Remedy: gyre.Remedy{Kind: gyre.RemedyText, Text: w.Remediation}}
	if c.ofAll { // which of the category it is, is told by its words alone
		f.Locus = site.Locus() + "#" + slug(where.ReplaceAllString(info, ""))
		return f
	}
	f.Locus = site.Page(e.path, e.parameter)
	if ids := cve.FindAllString(info, 2); len(ids) == 1 { // "see also" two says of neither that it is there
		f.Weakness.Title = document.Line(info, 200)
		naming.Weakness(&f.Weakness, ids[0])
	}
	return f
}

// payload is what Wapiti wrote into the parameter. The rest of the request may hold secrets.
func (c *category) payload(e *entry) string {
	if e.parameter == "" || c.name == credentials {
		return ""
	}
	if u, err := url.Parse(address.FindString(e.curl)); err == nil {
		if v := u.Query().Get(e.parameter); v != "" {
			return v
		}
	}
	_, body, _ := strings.Cut(strings.ReplaceAll(e.request, "\r\n", "\n"), "\n\n")
	if len(body) > 64<<10 {
		return ""
	}
	values, _ := url.ParseQuery(body) // what can be read of it
	return values.Get(e.parameter)
}

var (
	levels      = map[string]gyre.Severity{"0": gyre.SeverityInfo, "1": gyre.SeverityLow, "2": gyre.SeverityMedium, "3": gyre.SeverityHigh, "4": gyre.SeverityCritical}
	earlyLevels = map[string]gyre.Severity{"1": gyre.SeverityHigh, "2": gyre.SeverityMedium, "3": gyre.SeverityLow}
)

func (im *importer) severity(level string) gyre.Severity {
	of := levels
	if im.early {
		of = earlyLevels
	}
	if s, ok := of[level]; ok {
		return s
	}
	return gyre.SeverityMedium
}

var others = regexp.MustCompile(`[^a-z0-9]+`)

// slug is a text as a part of a name.
func slug(text string) string {
	s := others.ReplaceAllString(strings.ToLower(text), "-")
	return strings.Trim(s[:min(len(s), 100)], "-")
}
