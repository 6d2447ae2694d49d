// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package document

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
)

// ours and theirs are a document's tokens, comments and instructions left out,
// texts that touch joined, and whether it is sound.
func ours(r io.Reader) (list []string, sound bool) {
	t := newTokens(r)
	for {
		if err := t.next(); err != nil {
			return list, errors.Is(err, io.EOF)
		}
		switch t.kind {
		case startToken:
			list = append(list, fmt.Sprintf("<%q %q", t.el.Name, t.el.Attr))
		case endToken:
			list = append(list, ">")
		case textToken:
			list = joined(list, string(t.text))
		case directiveToken:
			list = append(list, "!"+string(t.text))
		}
	}
}

func theirs(r io.Reader) (list []string, sound bool) {
	d := xml.NewDecoder(r)
	d.CharsetReader = charset
	for {
		tok, err := d.Token()
		if err != nil {
			return list, errors.Is(err, io.EOF)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			list = append(list, fmt.Sprintf("<%q %q", tok.Name, tok.Attr))
		case xml.EndElement:
			list = append(list, ">")
		case xml.CharData:
			list = joined(list, string(tok))
		case xml.Directive:
			list = append(list, "!"+string(tok))
		}
	}
}

func joined(list []string, text string) []string {
	if n := len(list); n > 0 && strings.HasPrefix(list[n-1], "=") {
		list[n-1] += text
		return list
	}
	return append(list, "="+text)
}

func sameTokens(t *testing.T, text []byte) {
	t.Helper()
	want, sound := theirs(bytes.NewReader(text))
	for name, r := range map[string]io.Reader{
		"whole": bytes.NewReader(text), "by bytes": iotest.OneByteReader(bytes.NewReader(text)), "by elevens": &elevens{bytes.NewReader(text)},
	} {
		got, ok := ours(r)
		if ok != sound {
			t.Fatalf("%s: %.200q: sound %v, encoding/xml says %v", name, text, ok, sound)
		}
		if !sound { // what is broken may be noticed a token earlier or later
			got, want = got[:min(len(got), len(want))], want[:min(len(got), len(want))]
			if n := len(got) - 1; n >= 0 {
				got, want = got[:n], want[:n]
			}
		}
		for i := range want {
			if i >= len(got) || got[i] != want[i] {
				t.Fatalf("%s: %.200q: token %d is %.200v, encoding/xml has %.200v", name, text, i, got[min(i, len(got)):], want[i:])
			}
		}
		if len(got) != len(want) {
			t.Fatalf("%s: %.200q: %d tokens, encoding/xml has %d", name, text, len(got), len(want))
		}
	}
}

// elevens hands out eleven bytes at a time, so that words and runs are cut anywhere.
type elevens struct{ r io.Reader }

func (e *elevens) Read(p []byte) (int, error) { return e.r.Read(p[:min(len(p), 11)]) }

var xmlCases = []string{
	"<a/>", "<a></a>", "<a>x</a>", "<a>\r\nx\ry</a>", "<a b='c' d=\"e\"/>", "<a b=c/>", "<a b/>", "<a><b></a></b>", "</a>", "<a>", "<", "", "x", "<a/>y", "<a/><b/>",
	"<a>&lt;&gt;&amp;&apos;&quot;&#65;&#x41;&#x1F600;</a>", "<a>&#0;</a>", "<a>&#xD800;</a>", "<a>&#x110000;</a>", "<a>&#;</a>", "<a>&nbsp;</a>", "<a>&lt</a>", "<a>&", "<a>&#6",
	"<a>]]></a>", "<a>]]</a>", "<a b=']]>'/>", "<a>]&#93;></a>", "<![CDATA[x]]>", "<a><![CDATA[<&]]]]></a>", "<a><![CDATA[]]]></a>", "<a><![CDATA[x", "<a><![CDAT[x]]></a>",
	"<!-- c --><a/>", "<a><!-- -- --></a>", "<a><!--->--></a>", "<a><!---></a>", "<!- x>", "<?xml version='1.0'?><a/>", "<?xml version='1.1'?><a/>", "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a>é</a>",
	"<?xml version='1.0' encoding='ISO-8859-1'?><a b='\xe9'>\xe9\r\n\xff</a>", "<?xml encoding='x'?><a/>", "<?pi data?><a/>", "<??>", "<?é x?><a/>",
	"<a xmlns='u:1' xmlns:p='u:2'><p:b p:c='d' e='f' xml:lang='de'/><q:r/></a><p:x/>", "<a:b:c/>", "<:a/>", "<a:/>", "<xmlns:a xmlns:xmlns='z'/>", "<a xmlns='x'><b xmlns=''><c/></b><d/></a>",
	"<é>ü</é>", "<-a/>", "<1/>", "<a\x01/>", "<a>\x01</a>", "<a>\xff</a>", "<a>\xc3", "<a>\xc3(</a>", "<a>\uFFFD\uFFFE</a>", "<a b='<'/>", "<a b='x", "<a b='&#10;\n\r\n'/>",
	"<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", "<!DOCTYPE a '>' \"<\"><a/>", "<!DOCTYPE <!-- x --> a><a/>", "<!D <!-x> >>", "<a / >", "<a b = 'c' />", "<a b='c'd='e'/>", "</a >", "<a></a x>", "<a></ a>", billionLaughs,
}

func TestSameTokensAsEncodingXML(t *testing.T) {
	for _, text := range xmlCases {
		sameTokens(t, []byte(text))
	}
}

// Real reports, where they are at hand.
func TestSameTokensInReports(t *testing.T) {
	names, _ := filepath.Glob("../../plugins/importer/*/testdata/*")
	n := 0
	for _, name := range names {
		text, err := os.ReadFile(name) // #nosec G304 -- our own test data
		if err != nil || len(text) > 8<<20 {
			continue
		}
		if _, ok := Root(text[:min(len(text), 64<<10)]); ok {
			sameTokens(t, text)
			n++
		}
	}
	if n < 4 {
		t.Errorf("only %d XML reports among %d files", n, len(names))
	}
}

func FuzzSameTokens(f *testing.F) {
	for _, text := range xmlCases {
		f.Add([]byte(text))
	}
	f.Fuzz(sameTokens)
}

// Places count lines as the text has them.
func TestLines(t *testing.T) {
	const text = "<a\n b='\n'>\r\n<!--\n--><?x \n?><![CDATA[\n\r\n]]>&#10;<b\n>\n</b\n></a>"
	x := newTokens(strings.NewReader(text))
	for x.next() == nil {
	}
	if want := strings.Count(text, "\n") + 1; x.line != want {
		t.Errorf("line %d, want %d", x.line, want)
	}
}

func BenchmarkXML(b *testing.B) {
	one := "<ReportItem port=\"443\" svc_name=\"www\" protocol=\"tcp\" severity=\"2\" pluginID=\"42873\" pluginName=\"SSL Medium Strength Cipher Suites\" pluginFamily=\"General\">\n" +
		"<description>" + strings.Repeat("The remote host supports the use of SSL ciphers &amp; offers them. ", 8) + "</description>\n<risk_factor>Medium</risk_factor>\n" +
		"<plugin_output>\n  Path : /usr/lib/x\n  Fixed : 1.2.3\n</plugin_output>\n</ReportItem>\n"
	text := "<Report>\n" + strings.Repeat(one, 1000) + "</Report>\n"
	b.Run("here", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		for range b.N {
			t := newTokens(strings.NewReader(text))
			for t.next() == nil {
			}
		}
	})
	b.Run("encoding/xml", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		for range b.N {
			d := xml.NewDecoder(strings.NewReader(text))
			for {
				if _, err := d.Token(); err != nil {
					break
				}
			}
		}
	})
}
