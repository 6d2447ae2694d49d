// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package locus

import (
	"net/url"
	"path"
	"slices"
	"strings"
)

var schemes = map[string]string{"http": "80", "https": "443", "ws": "80", "wss": "443", "ftp": "21"}

func isURL(s string) bool {
	scheme, _, ok := strings.Cut(s, "://")
	_, known := schemes[strings.ToLower(scheme)]
	return ok && known
}

// normalURL follows RFC 3986, section 6: case of scheme and host, default port,
// dot segments, escapes. Of the query the names are kept, sorted, without values,
// which are another attack's each time; credentials are dropped. A fragment stays: it
// is the parameter that lets the attack in, or a view of a single-page application.
func normalURL(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return s
	}
	scheme := strings.ToLower(u.Scheme)
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if host == "" || strings.ContainsAny(host, " /?#@\\%") {
		return s
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port := number("0" + u.Port()); port != "0" && port != schemes[scheme] {
		host += ":" + port
	}
	out := scheme + "://" + host + pathAndQuery(beforeFragment(u))
	if f := u.EscapedFragment(); f != "" {
		out += "#" + f
	}
	return out
}

func beforeFragment(u *url.URL) string {
	p := u.EscapedPath()
	if !strings.HasPrefix(p, "/") {
		p = "/" + p
	}
	if u.RawQuery != "" {
		p += "?" + u.RawQuery
	}
	return p
}

// pathAndQuery is the normal form of PATH?QUERY, with a fragment if there is one.
func pathAndQuery(s string) string {
	s, fragment, hasFragment := strings.Cut(s, "#")
	p, query, _ := strings.Cut(s, "?")
	p = escapes(p)
	slash := strings.HasSuffix(p, "/") || strings.HasSuffix(p, "/.") || strings.HasSuffix(p, "/..")
	if p = path.Clean(p); slash && p != "/" {
		p += "/"
	}
	if names := queryNames(query); names != "" {
		p += "?" + names
	}
	if hasFragment && fragment != "" {
		p += "#" + fragment
	}
	return p
}

func queryNames(query string) string {
	var names []string
	for part := range strings.FieldsFuncSeq(query, func(r rune) bool { return r == '&' || r == ';' }) {
		name, _, _ := strings.Cut(part, "=")
		if name = escapes(name); name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), "&")
}

// escapes writes percent-encodings in upper case, and what needs none without one.
func escapes(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '%' || i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2]) {
			b.WriteByte(s[i])
			continue
		}
		c := unhex(s[i+1])<<4 | unhex(s[i+2])
		if letter(c) && c < 0x80 || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~' {
			b.WriteByte(c)
		} else {
			b.WriteString(strings.ToUpper(s[i : i+3]))
		}
		i += 2
	}
	return b.String()
}

func isHex(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f' }

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return (c | 0x20) - 'a' + 10
}
