// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package cyclonedx

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin/document"
)

// peek looks at the first byte of the document that is neither white space nor
// a byte order mark.
func peek(r io.Reader) (io.Reader, byte, error) {
	br := bufio.NewReader(r)
	head, err := br.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, 0, err
	}
	head = bytes.TrimSpace(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")))
	if len(head) == 0 {
		return br, 0, nil
	}
	return br, head[0], nil
}

func readError(ctx context.Context, name string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if e, ok := errors.AsType[*gyre.Error](err); ok {
		return e
	}
	return gyre.FieldErrorf(gyre.Unavailable, name, "cannot be read: %v", err)
}

func (b *bom) readJSON(j *document.JSON) error {
	if k := j.Peek(); k != '{' && k != 0 {
		return gyre.FieldErrorf(gyre.Invalid, j.Place(), "is not a JSON object")
	}
	format := ""
	err := j.Object(func(key string) (err error) {
		switch key {
		case "bomFormat":
			format, err = j.Text()
		case "serialNumber":
			b.serial, err = j.Text()
		case "metadata":
			if err = b.metadataJSON(j); err == nil {
				err = b.metadataRead()
			}
		case "components":
			b.hasParts = true
			err = b.componentsJSON(j)
		case "vulnerabilities":
			b.judged = true
			err = j.Array(func(int) error { return b.shape(b.vulnerabilityJSON(j)) })
		case "compositions":
			err = j.Array(func(int) error {
				return j.Object(func(key string) error {
					if key != "aggregate" {
						return nil
					}
					word, err := j.Text()
					b.incomplete = b.incomplete || strings.HasPrefix(word, "incomplete")
					return err
				})
			})
		}
		return b.shape(err)
	})
	if err != nil {
		return err
	}
	if format != "CycloneDX" {
		return gyre.FieldErrorf(gyre.Invalid, b.in.Name+":byte 0", "bomFormat is %q, not CycloneDX", document.Line(format, 40))
	}
	return j.End()
}

// shape turns an entry of the wrong shape into a problem of the run.
func (b *bom) shape(err error) error {
	if errors.Is(err, document.ErrShape) {
		b.problem(b.in.Name, document.Line(err.Error(), 500))
		return nil
	}
	return err
}

func (b *bom) metadataJSON(j *document.JSON) error {
	return j.Object(func(key string) error {
		switch key {
		case "timestamp":
			text, err := j.Text()
			b.report.Looked = document.Date(text)
			return b.shape(err)
		case "component":
			c, err := b.componentJSON(j)
			b.root = c
			return b.shape(err)
		case "tools":
			return b.toolsJSON(j)
		case "supplier", "manufacture", "manufacturer":
			return b.shape(j.Object(func(key string) error {
				if key != "name" || b.supplier != "" {
					return nil
				}
				var err error
				b.supplier, err = j.Text()
				return err
			}))
		}
		return nil
	})
}

// toolsJSON reads who made the document: a list of tools, since 1.5 in an object.
// What cannot be read of it is left out: the document is no worse for it.
func (b *bom) toolsJSON(j *document.JSON) error {
	if j.Peek() == '{' {
		return leaveOut(j.Object(func(key string) error {
			if key != "components" || j.Peek() == '{' {
				return nil
			}
			return b.toolsJSON(j)
		}))
	}
	return leaveOut(j.Array(func(int) error {
		return leaveOut(j.Object(func(key string) error {
			if key != "name" {
				return nil
			}
			name, err := j.Text()
			b.madeBy(name)
			return err
		}))
	}))
}

func leaveOut(err error) error {
	if errors.Is(err, document.ErrShape) {
		return nil
	}
	return err
}

func (b *bom) componentsJSON(j *document.JSON) error {
	return j.Array(func(int) error {
		c, err := b.componentJSON(j)
		if err != nil {
			return b.shape(err)
		}
		return b.add(c)
	})
}

// componentJSON reads a component member by member: what it contains may be as
// large as the whole document. Contained components are added as they come.
func (b *bom) componentJSON(j *document.JSON) (c component, err error) {
	err = j.Object(func(key string) (err error) {
		switch key {
		case "bom-ref":
			c.ref, err = j.Text()
		case "type":
			c.kind, err = j.Text()
		case "group":
			c.group, err = j.Text()
		case "name":
			c.name, err = j.Text()
		case "version":
			c.version, err = j.Text()
		case "purl":
			c.purl, err = j.Text()
		case "components":
			err = b.componentsJSON(j)
		case "properties":
			err = j.Array(func(int) error {
				var name, value string
				err := j.Object(func(key string) (err error) {
					switch key {
					case "name":
						name, err = j.Text()
					case "value":
						value, err = j.Text()
					}
					return err
				})
				c.property(name, value)
				return err
			})
		case "evidence":
			err = j.Object(func(key string) error {
				if key != "occurrences" {
					return nil
				}
				return j.Array(func(i int) error {
					return j.Object(func(key string) error {
						if key != "location" || i > 0 {
							return nil
						}
						where, err := j.Text()
						c.location = where
						return err
					})
				})
			})
		}
		return b.shape(err)
	})
	return c, err
}

// property takes the place of a component from the properties that the common
// generators write.
func (c *component) property(name, value string) {
	switch name {
	case "syft:location:0:path", "aquasecurity:trivy:FilePath", "SrcFile", "osv-scanner:source":
		if c.location == "" {
			c.location = value
		}
	}
}

// The JSON form of a vulnerability (ECMA-424, section 8.19). Numbers that some tools
// write as strings are read as either.
type jsonVulnerability struct {
	ID         string     `json:"id"`
	Source     jsonSource `json:"source"`
	References []struct {
		ID string `json:"id"`
	} `json:"references"`
	Ratings []struct {
		Score    any    `json:"score"`
		Severity string `json:"severity"`
		Method   string `json:"method"`
		Vector   string `json:"vector"`
	} `json:"ratings"`
	CWEs           []any  `json:"cwes"`
	Description    string `json:"description"`
	Detail         string `json:"detail"`
	Recommendation string `json:"recommendation"`
	Advisories     []struct {
		URL string `json:"url"`
	} `json:"advisories"`
	Published string `json:"published"`
	Analysis  struct {
		State string `json:"state"`
	} `json:"analysis"`
	Affects []struct {
		Ref string `json:"ref"`
	} `json:"affects"`
}

type jsonSource struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}

func (b *bom) vulnerabilityJSON(j *document.JSON) error {
	var in jsonVulnerability
	if err := j.Decode(&in); err != nil {
		return err
	}
	v := vulnerability{
		id: in.ID, source: in.Source.Name, sourceURL: in.Source.URL, description: in.Description,
		recommendation: in.Recommendation, state: in.Analysis.State, published: in.Published,
	}
	if v.description == "" {
		v.description = in.Detail
	}
	for _, r := range in.References {
		v.aliases = append(v.aliases, r.ID)
	}
	for _, r := range in.Ratings {
		v.ratings = append(v.ratings, rating{score: number(r.Score), severity: r.Severity, method: r.Method, vector: r.Vector})
	}
	for _, c := range in.CWEs {
		v.cwe(c)
	}
	for _, a := range in.Advisories {
		v.links = append(v.links, a.URL)
	}
	for _, a := range in.Affects {
		v.affects = append(v.affects, a.Ref)
	}
	return b.take(v)
}

func number(v any) float64 {
	switch v := v.(type) {
	case float64:
		return v
	case string:
		if f, err := strconv.ParseFloat(v, 64); err == nil {
			return f
		}
	}
	return 0
}

func (v *vulnerability) cwe(id any) {
	text := ""
	switch id := id.(type) {
	case float64:
		text = strconv.FormatFloat(id, 'f', -1, 64)
	case string:
		text = strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(id)), "CWE-")
	}
	if n, err := strconv.Atoi(text); err == nil && n > 0 && len(v.cwes) < 20 {
		v.cwes = append(v.cwes, "CWE-"+strconv.Itoa(n))
	}
}
