// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package observatory

import (
	"maps"
	"slices"
	"strings"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin/document"
	"github.com/gyre-ctem/gyre/plugin/naming"
)

// prefixes are the tests, and what their results begin with.
var prefixes = map[string]string{
	"content-security-policy":       "csp-",
	"contribute":                    "contribute-json-",
	"cookies":                       "cookies-",
	"cross-origin-resource-sharing": "cross-origin-resource-sharing-",
	"public-key-pinning":            "hpkp-",
	"redirection":                   "redirection-",
	"referrer-policy":               "referrer-policy-",
	"strict-transport-security":     "hsts-",
	"subresource-integrity":         "sri-",
	"x-content-type-options":        "x-content-type-options-",
	"x-frame-options":               "x-frame-options-",
	"x-xss-protection":              "x-xss-protection-",
}

// shared are the results that say what a check, or another tool, says as well.
var shared = map[string]string{
	"csp-not-implemented":                                          naming.CSPMissing,
	"hsts-not-implemented":                                         naming.HSTSMissing,
	"hsts-header-invalid":                                          naming.HSTSInvalid,
	"hsts-not-implemented-no-https":                                naming.HTTPSMissing,
	"x-frame-options-not-implemented":                              naming.FrameOptionsMissing,
	"x-frame-options-header-invalid":                               naming.FrameOptionsInvalid,
	"x-content-type-options-not-implemented":                       naming.ContentTypeOptionsMissing,
	"x-content-type-options-header-invalid":                        naming.ContentTypeOptionsMissing,
	"x-xss-protection-not-implemented":                             naming.XSSProtectionMissing,
	"redirection-missing":                                          naming.HTTPSRedirectMissing,
	"redirection-not-to-https":                                     naming.HTTPSRedirectMissing,
	"sri-not-implemented-but-external-scripts-loaded-securely":     naming.IntegrityMissing,
	"sri-not-implemented-and-external-scripts-not-loaded-securely": naming.IntegrityMissing,
}

// refuted are the weaknesses that a result shows not to be there. Results that begin with a
// key are meant; the longest that fits counts. A header that is not needed (a list of browsers
// stands in for it) is not one that is set, so such results refute nothing.
var refuted = map[string][]string{
	"csp-implemented-": {naming.CSPMissing},

	"hsts-implemented-":             {naming.HSTSMissing, naming.HSTSInvalid, naming.HTTPSMissing},
	"hsts-not-implemented":          {naming.HSTSInvalid, naming.HTTPSMissing},
	"hsts-not-implemented-no-https": nil,
	"hsts-header-invalid":           {naming.HTTPSMissing},
	"hsts-preloaded":                {naming.HTTPSMissing},

	"x-frame-options-":                {naming.FrameOptionsMissing, naming.FrameOptionsInvalid},
	"x-frame-options-not-implemented": {naming.FrameOptionsInvalid},
	"x-frame-options-header-invalid":  nil,

	"x-content-type-options-nosniff": {naming.ContentTypeOptionsMissing},

	"x-xss-protection-":                {naming.XSSProtectionMissing},
	"x-xss-protection-not-":            nil, // not implemented, or not needed
	"redirection-":                     {naming.HTTPSRedirectMissing},
	"redirection-invalid-cert":         nil, // it was not followed
	"redirection-missing":              nil,
	"redirection-not-to-https":         nil,
	"redirection-not-to-https-on-init": {naming.HTTPSRedirectMissing},

	"sri-implemented-": {naming.IntegrityMissing},
	"sri-not-implemented-but-all-scripts-loaded-from-secure-origin": {naming.IntegrityMissing},
	"sri-not-implemented-but-no-scripts-loaded":                     {naming.IntegrityMissing},

	"cross-origin-resource-sharing-":                                  {naming.CORSAnyOrigin},
	"cross-origin-resource-sharing-implemented-with-universal-access": nil,
}

func refutes(result string) []string {
	longest := ""
	for prefix := range refuted {
		if strings.HasPrefix(result, prefix) && len(prefix) > len(longest) {
			longest = prefix
		}
	}
	return refuted[longest]
}

// at is the site that a test looked at: redirection is tested from plain HTTP.
func (im *importer) at(t *test) naming.Site {
	if t.Name == "redirection" {
		return im.asked
	}
	return im.site // without HTTPS it is the one that was asked
}

// failed emits what a test found, if it was not passed.
func (im *importer) failed(t *test) error {
	if t.Pass || t.Name == "contribute" { // which asks for contact details, and is about no weakness
		return nil
	}
	if t.Name == "cookies" {
		if found, err := im.cookies(t); found || err != nil {
			return err
		}
	}
	name := shared[t.Result]
	switch {
	case t.Result == "hsts-header-invalid" && t.MaxAge == float64(0): // it is switched off
		name = naming.HSTSMissing
	case t.Result == "cross-origin-resource-sharing-implemented-with-universal-access" && reflected(t.Data):
		name = naming.CORSAnyOrigin
	}
	description := document.Line(t.Description, 500)
	if description == "" {
		description = t.Result
	}
	f := gyre.Finding{
		Weakness: gyre.Weakness{Key: ownName(t), Class: gyre.Misconfiguration, Title: document.Line(description, 200), Severity: gyre.SeverityLow},
		Aspect:   gyre.AspectHTTP, Locus: im.at(t).Locus(), Severity: gyre.SeverityLow, Remedy: gyre.Remedy{Kind: gyre.RemedyText},
	}
	if name != "" {
		f = naming.OnSite(name, im.at(t))
	} else if t.Modifier <= -50 {
		f.Weakness.Severity, f.Severity = gyre.SeverityMedium, gyre.SeverityMedium
	}
	f.Evidence.Summary = description
	return im.emit(t, f, nil)
}

// ownName is the Observatory's own name of what a test found.
func ownName(t *test) string { return "observatory:" + t.Result }

func (im *importer) emit(t *test, f gyre.Finding, more map[string]any) error {
	f.Asset = asset
	f.Evidence.Data = map[string]any{"test": t.Name, "result": t.Result}
	maps.Copy(f.Evidence.Data, more)
	if header, ok := t.Data.(string); ok {
		f.Evidence.Data["header"] = document.Line(header, 500)
	}
	if t.Destination != "" {
		f.Evidence.Data["destination"] = document.Line(t.Destination, 300)
	}
	if t.Name == "subresource-integrity" {
		if scripts, ok := t.Data.(map[string]any); ok {
			var list []any
			for _, s := range slices.Sorted(maps.Keys(scripts)) {
				if s = document.Line(s, 300); s != "" && len(list) < 20 {
					list = append(list, s)
				}
			}
			f.Evidence.Data["scripts"] = list
		}
	}
	return im.out.Finding(f)
}

// reflected says that the header, and not a file, lets every site in, as the check has it.
func reflected(data any) bool {
	m, _ := data.(map[string]any)
	acao, _ := m["acao"].(string)
	return acao != "" && acao != "*"
}

const maxCookies = 200

// cookie is one that was seen, with the flags of which it is known whether it has them.
type cookie struct {
	name string
	has  map[naming.Flag]bool
}

// lacks says that the cookie was seen to have no such flag.
func (c *cookie) lacks(f naming.Flag) bool { has, known := c.has[f]; return known && !has }

// cookiesOf are the cookies that a test saw, in the order of their names.
func cookiesOf(t *test) (all []cookie) {
	jar, _ := t.Data.(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(jar)) {
		members, ok := jar[name].(map[string]any)
		if !ok || document.Line(name, 200) != name || name == "" || len(all) == maxCookies {
			continue
		}
		c := cookie{name, map[naming.Flag]bool{}}
		for member, flag := range flags {
			if set, known := members[member].(bool); known {
				c.has[flag] = set
			}
		}
		all = append(all, c)
	}
	return all
}

var flags = map[string]naming.Flag{"secure": naming.CookieWithoutSecure, "httponly": naming.CookieWithoutHTTPOnly}

// cookies emits what each cookie lacks. The Observatory asks for HttpOnly of session cookies
// only. False: the cookies that it saw do not show what it found wrong with them.
func (im *importer) cookies(t *test) (found bool, err error) {
	said := false // of the sessions, of which the site is the place
	for _, c := range cookiesOf(t) {
		for _, flag := range slices.Sorted(maps.Values(flags)) {
			if !c.lacks(flag) {
				continue
			}
			f := naming.OfCookie(c.name, flag, im.site)
			session := f.Weakness.Key == naming.SessionCookieInsecure
			if flag == naming.CookieWithoutHTTPOnly && !session || session && said {
				continue
			}
			said, found = said || session, true
			f.Evidence.Summary = f.Weakness.Title + ": " + c.name
			if err := im.emit(t, f, map[string]any{"cookie": c.name}); err != nil {
				return found, err
			}
		}
	}
	return found && !strings.Contains(t.Result, "samesite"), nil
}

// cover says what a test has shown not to be there.
func (im *importer) cover(t *test) error {
	prefix := prefixes[t.Name]
	if prefix == "" {
		return nil // not known what else it may find
	}
	site := im.at(t)
	weaknesses := append([]string{"observatory:" + prefix + "*"}, refutes(t.Result)...)
	if t.Name == "cookies" {
		return im.coverCookies(t, weaknesses)
	}
	c := gyre.Coverage{Judged: true, Asset: asset, Aspect: gyre.AspectHTTP, Loci: []string{site.Locus()}, Weaknesses: weaknesses}
	switch {
	case slices.Contains(weaknesses, naming.CORSAnyOrigin):
		c.Loci = append(c.Loci, naming.OnSite(naming.CORSAnyOrigin, site).Locus)
	case slices.Contains(weaknesses, naming.HTTPSMissing) && site != im.asked: // the place of what was said of plain HTTP
		c.Loci = append(c.Loci, im.asked.Locus())
	}
	return im.out.Cover(c)
}

// coverCookies speaks only for cookies that were seen: others may be set to who signs in.
func (im *importer) coverCookies(t *test, weaknesses []string) error {
	places := map[naming.Flag][]string{} // of the cookies that have it
	sessions, sound := 0, true
	for _, c := range cookiesOf(t) {
		for flag, has := range c.has {
			if has {
				places[flag] = append(places[flag], im.site.Locus()+"#"+c.name)
			}
		}
		if naming.IsSession(c.name) {
			sessions++
			sound = sound && c.has[naming.CookieWithoutSecure] && c.has[naming.CookieWithoutHTTPOnly]
		}
	}
	if sessions > 0 && sound {
		weaknesses = append(weaknesses, naming.SessionCookieInsecure)
	}
	if err := im.out.Cover(gyre.Coverage{Judged: true, Asset: asset, Aspect: gyre.AspectHTTP, Loci: []string{im.site.Locus()}, Weaknesses: weaknesses}); err != nil {
		return err
	}
	for _, flag := range slices.Sorted(maps.Keys(places)) {
		c := gyre.Coverage{Judged: true, Asset: asset, Aspect: gyre.AspectHTTP, Loci: places[flag], Weaknesses: []string{string(flag)}}
		if err := im.out.Cover(c); err != nil {
			return err
		}
	}
	return nil
}
