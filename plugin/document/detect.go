// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package document

import (
	"bytes"
	"encoding/xml"

	"github.com/go-json-experiment/json/jsontext"
)

// Root returns the outermost element of an XML document of which head is the
// beginning; false when there is none.
func Root(head []byte) (xml.StartElement, bool) {
	head = bytes.TrimSpace(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")))
	if !bytes.HasPrefix(head, []byte("<")) {
		return xml.StartElement{}, false
	}
	dec := xml.NewDecoder(bytes.NewReader(head))
	dec.CharsetReader = charset
	for {
		tok, err := dec.Token()
		if err != nil {
			return xml.StartElement{}, false
		}
		if el, ok := tok.(xml.StartElement); ok {
			return el.Copy(), true
		}
	}
}

// Members returns the members of the object that a JSON document of which head is
// the beginning consists of, as far as head goes: strings, numbers, true, false and
// null as text, objects and arrays as "{" and "[". It is nil when the document is no object.
func Members(head []byte) map[string]string {
	head = bytes.TrimSpace(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")))
	if !bytes.HasPrefix(head, []byte("{")) {
		return nil
	}
	dec := jsontext.NewDecoder(bytes.NewReader(head), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	members := map[string]string{}
	if _, err := dec.ReadToken(); err != nil {
		return members
	}
	for {
		tok, err := dec.ReadToken()
		if err != nil || tok.Kind() != '"' {
			return members
		}
		key := tok.String()
		switch kind := dec.PeekKind(); kind {
		case '{', '[':
			members[key] = string(rune(kind))
			if err := dec.SkipValue(); err != nil {
				return members
			}
		default:
			tok, err := dec.ReadToken()
			if err != nil {
				return members
			}
			members[key] = tok.String()
		}
	}
}
