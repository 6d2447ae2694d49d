// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package document

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/gyre-ctem/gyre"
)

func walkJSON(r io.Reader) error {
	j := NewJSON(context.Background(), "f.json", r)
	err := j.Object(func(key string) error {
		switch key {
		case "whole":
			var v any
			return j.Decode(&v)
		case "list":
			return j.Array(func(int) error {
				_, err := j.Text()
				return err
			})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return j.End()
}

func walkXML(r io.Reader) error {
	x := NewXML(context.Background(), "f.xml", r)
	if _, err := x.Root(); err != nil {
		return err
	}
	err := x.Children(func(el xml.StartElement) error {
		if el.Name.Local == "text" {
			_, err := x.Text()
			return err
		}
		return nil
	})
	if err != nil {
		return err
	}
	return x.End()
}

func TestErrorsNameFilePlaceAndReason(t *testing.T) {
	for _, tc := range []struct {
		walk  func(io.Reader) error
		in    string
		code  gyre.Code
		field string
	}{
		{walkJSON, `{"a":1,"list":[1,"x",null,{}],"whole":{"b":[]}}`, "", ""},
		{walkJSON, "\xef\xbb\xbf{\"a\":1}", "", ""},
		{walkJSON, `{"a":1,"a":"` + "\xff" + `"}`, "", ""},
		{walkJSON, `{"a":1,}`, gyre.Invalid, "f.json:byte 6"},
		{walkJSON, `{"a":[1,2`, gyre.Invalid, "f.json:byte 9"},
		{walkJSON, `{"whole":[1,2`, gyre.Invalid, "f.json:byte 13"},
		{walkJSON, `{} x`, gyre.Invalid, "f.json:byte 3"},
		{walkJSON, ``, gyre.Invalid, "f.json:byte 0"},
		{walkJSON, "\xff\xfe{", gyre.Invalid, "f.json"},
		{walkJSON, `{"a":` + strings.Repeat("[", 300), gyre.TooLarge, "f.json:byte 260"},
		{walkJSON, `{"a":"` + strings.Repeat("x", MaxText+2), gyre.TooLarge, ""},
		{walkJSON, `{"whole":[` + strings.Repeat(`"x",`, MaxValue/2) + `1]}`, gyre.TooLarge, "f.json:byte 8"},
		{walkXML, "<a><b x='1'/><text>hello <c/> there</text></a>\n<!-- end -->\n", "", ""},
		{walkXML, "<?xml version='1.0' encoding='ISO-8859-1'?><!DOCTYPE a><a>\xe9</a>", "", ""},
		{walkXML, "<a>\n<b></a>", gyre.Invalid, "f.xml:2"},
		{walkXML, "<a>\n<b>", gyre.Invalid, "f.xml:2"},
		{walkXML, "", gyre.Invalid, "f.xml:1"},
		{walkXML, "<a/>\n<b/>", gyre.Invalid, "f.xml:2"},
		{walkXML, "<a>&lol;</a>", gyre.Invalid, "f.xml:1"},
		{walkXML, "<?xml version='0'?>0", gyre.Invalid, "f.xml:1"},
		{walkXML, "<?xml version='1.0' encoding='EBCDIC'?><a/>", gyre.Invalid, "f.xml:1"},
		{walkXML, billionLaughs, gyre.Invalid, "f.xml:6"},
		{walkXML, strings.Repeat("<a>", 300), gyre.TooLarge, "f.xml:1"},
		{walkXML, "<a><text>" + strings.Repeat("x", MaxText+1), gyre.TooLarge, "f.xml:1"},
		{walkXML, "<a><b " + strings.Repeat("x='y' ", MaxText/3) + "/></a>", gyre.TooLarge, "f.xml:1"},
	} {
		err := tc.walk(strings.NewReader(tc.in))
		if gyre.ErrorCode(err) != tc.code {
			t.Errorf("%.40q: %v, want code %q", tc.in, err, tc.code)
			continue
		}
		if e, ok := errors.AsType[*gyre.Error](err); ok && (e.Message == "" || tc.field != "" && e.Field != tc.field) {
			t.Errorf("%.40q: %q at %q, want %q", tc.in, e.Message, e.Field, tc.field)
		}
	}
}

const billionLaughs = `<?xml version="1.0"?>
<!DOCTYPE lolz [
 <!ENTITY lol "lol">
 <!ENTITY lol1 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">
 <!ENTITY lol2 "&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;">
]>
<lolz>&lol2;</lolz>`

func TestShapeErrorsLetTheStreamGoOn(t *testing.T) {
	j := NewJSON(context.Background(), "f.json", strings.NewReader(`{"n":"x","list":{"a":1},"ok":7}`))
	var shapes, ok int
	err := j.Object(func(key string) error {
		var err error
		switch key {
		case "n":
			var n int
			err = j.Decode(&n)
		case "list":
			err = j.Array(func(int) error { return nil })
		case "ok":
			return j.Decode(&ok)
		}
		if errors.Is(err, ErrShape) {
			shapes++
			return nil
		}
		return err
	})
	if err != nil || shapes != 2 || ok != 7 {
		t.Fatalf("err %v, %d shape errors, ok %d", err, shapes, ok)
	}
}

// An error that ends a list in its middle, and is let pass further out, does not
// leave the stream there.
func TestWhatIsLeftInTheMiddleIsSkipped(t *testing.T) {
	const text = `{"a":[[1,{"x":[2,3],"y":"no"},[4]],5],"b":"yes"} `
	for stop := range 6 {
		j := NewJSON(context.Background(), "f.json", strings.NewReader(text))
		met, got := 0, ""
		give := func(err error) error {
			if met++; met == stop {
				return ErrShape
			}
			return err
		}
		err := j.Object(func(key string) (err error) {
			if key == "b" {
				got, err = j.Text()
				return err
			}
			_ = j.Array(func(i int) error {
				if i > 0 {
					return give(nil)
				}
				return j.Array(func(i int) error {
					if i != 1 {
						return give(nil)
					}
					return j.Object(func(string) error {
						return give(j.Array(func(int) error { return give(nil) }))
					})
				})
			})
			return nil
		})
		if err != nil || got != "yes" || j.End() != nil {
			t.Errorf("stopped at %d: %q, %v", stop, got, err)
		}
	}
	j := NewJSON(context.Background(), "f.json", strings.NewReader(`{"a":[[1,2`))
	err := j.Object(func(string) error {
		_ = j.Array(func(int) error { return ErrShape })
		return nil
	})
	if gyre.ErrorCode(err) != gyre.Invalid {
		t.Errorf("cut short behind the middle: %v", err)
	}
}

func TestContextStopsReading(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	r := &endless{head: `{"list":[1`, rest: ",1", n: 1 << 40, at: func(int64) { cancel() }}
	j := NewJSON(ctx, "f.json", r)
	if err := j.Object(func(string) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

// Hundreds of megabytes leave memory where it was.
func TestMemoryDoesNotGrowWithTheFile(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 264 MB")
	}
	for name, walk := range map[string]func() error{
		"json": func() error {
			return walkJSON(&endless{head: `{"a":[{"b":[[[1]]]}`, rest: `,{"b":[[["x",2]]],"c":"text"}`, tail: "]}", n: 200 << 20})
		},
		"xml": func() error {
			return walkXML(&endless{head: "<a>", rest: "<b x='1'><c>text</c></b>\n", tail: "</a>", n: 64 << 20})
		},
	} {
		var peak uint64
		base := heap()
		probe = func(int64) { peak = max(peak, heap()) }
		if err := walk(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if grown := int64(peak) - int64(base); grown > 64<<20 { // #nosec -- sizes of a heap
			t.Errorf("%s: the heap grew by %d MiB", name, grown>>20)
		}
	}
	probe = nil
}

var probe func(int64)

func heap() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// endless is head, then rest over and over until n bytes are through, then tail.
type endless struct {
	head, rest, tail string
	n, read          int64
	next             string
	done             bool
	at               func(int64)
}

func (e *endless) Read(p []byte) (int, error) {
	if e.read == 0 {
		e.next = e.head
	}
	if e.at != nil && e.read > 1<<20 {
		e.at(e.read)
	}
	if probe != nil && e.read>>25 != (e.read-int64(len(p)))>>25 {
		probe(e.read)
	}
	n := 0
	for n < len(p) {
		if e.next == "" {
			switch {
			case e.done:
				if n == 0 {
					return 0, io.EOF
				}
				e.read += int64(n)
				return n, nil
			case e.read+int64(n) < e.n:
				e.next = e.rest
			default:
				e.next, e.done = e.tail, true
			}
			continue
		}
		c := copy(p[n:], e.next)
		e.next = e.next[c:]
		n += c
	}
	e.read += int64(n)
	return n, nil
}

func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"whole":[1,{"a":"b"}]}`, `{"list":[1,"x",[]]}`, `{`, `[]`, `{"list":null}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) { checkCode(t, walkJSON(strings.NewReader(string(b)))) })
}

func FuzzXML(f *testing.F) {
	for _, s := range []string{`<a><text>x</text></a>`, `<a`, billionLaughs, `<a x="1"><b/></a>`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) { checkCode(t, walkXML(strings.NewReader(string(b)))) })
}

func checkCode(t *testing.T, err error) {
	t.Helper()
	switch code := gyre.ErrorCode(err); {
	case code == "", code == gyre.Invalid, code == gyre.TooLarge, errors.Is(err, ErrShape):
	default:
		t.Fatalf("code %q: %v", code, err)
	}
}
