// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTechnologyTable(t *testing.T) {
	list, err := knownTechnologies()
	if err != nil || len(list) < 30 {
		t.Fatalf("%d technologies, %v", len(list), err)
	}
	for _, k := range list {
		if k.Name == "" || k.sign.String() == "" {
			t.Errorf("an entry is empty: %+v", k)
		}
	}
}

// FuzzPage feeds pages to everything that reads them.
func FuzzPage(f *testing.F) {
	for _, s := range []string{
		"<form method=post action=/x><input name=u><input type=password name=p></form>", "<title>Index of /</title><a href=a>",
		"A=b\n#c\nexport D=e\n", `{"openapi":"3.1.0","paths":{"/a":{"get":{}}},"servers":[{"url":"//x"}]}`, "ref: refs/heads/main\n", "<pre><a href=\"x\">x</a></pre>",
	} {
		f.Add(s, "text/html", "/login")
		f.Add(s, "application/json", "http://[::1")
	}
	f.Fuzz(func(t *testing.T, body, kind, link string) {
		g := &page{path: "/", status: 200, header: http.Header{"Content-Type": {kind}, "Location": {link}}, body: []byte(body), whole: true}
		p := &peer{addr: netip.MustParseAddrPort("127.0.0.1:80")}
		s := &site{look: &look{}, p: p}
		if d := s.form(g); d != nil && (d.nameField == "" || d.passwordField == "" || !strings.HasPrefix(d.action, "/")) {
			t.Fatalf("form %+v", d)
		}
		if to := p.resolve("/", link); to != "" && (!strings.HasPrefix(to, "/") || strings.ContainsAny(to, " \r\n\t")) {
			t.Fatalf("link %q became %q", link, to)
		}
		for _, path := range s.folders(g, 4) {
			if !strings.HasPrefix(path, "/") || !strings.HasSuffix(path, "/") {
				t.Fatalf("folder %q", path)
			}
		}
		if tt := title(g); len(tt) > 200 || !utf8.ValidString(tt) {
			t.Fatalf("title %q", tt)
		}
		lists(g)
		variables(g)
		holdsData(g)
		elasticsearch(g)
		headers(g.header)
		technologies(g, nil)
		if doc := readAPI(g); doc != nil {
			for path := range doc.Paths {
				doc.worthTrying(path)
				doc.base(p)
			}
		}
	})
}

// FuzzGreeting feeds first words to what recognises services; the peer is gone by then.
func FuzzGreeting(f *testing.F) {
	for _, s := range []string{"SSH-2.0-OpenSSH_9.9\r\n", "\x2a\x00\x00\x00\x0a8.0.36\x00", "RFB 003.008\n", "\xff\xfd\x18", "220 x\r\n", "* OK x", "login: ", "-NOAUTH x\r\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, said []byte) {
		if isMySQL(said) {
			if s := mysql(said); s != nil && s.protocol != "mysql" {
				t.Fatalf("%+v", s)
			}
		}
		text := printable(said, bannerLimit)
		if len(text) > bannerLimit || !utf8.ValidString(text) || strings.ContainsAny(text, "\x00\x1b\r") {
			t.Fatalf("banner %q", text)
		}
		ssh(&service{facts: map[string]any{}}, firstLine(text))
	})
}

func FuzzBSON(f *testing.F) {
	f.Add([]byte("\x13\x00\x00\x00\x01ok\x00\x00\x00\x00\x00\x00\x00\xf0\x3f\x00"))
	f.Add([]byte("\x16\x00\x00\x00\x02v\x00\x06\x00\x00\x006.0.8\x00\x03s\x00\x05\x00\x00\x00\x00\x00"))
	f.Add([]byte("\x10\x00\x00\x00\x02v\x00\xff\xff\xff\xff\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, doc []byte) {
		for name, v := range bsonTop(doc) {
			if s, ok := v.(string); ok && len(s)+len(name) > len(doc) {
				t.Fatalf("%q holds more than was sent", name)
			}
		}
	})
}
