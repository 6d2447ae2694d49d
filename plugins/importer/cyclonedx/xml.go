// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package cyclonedx

import (
	"encoding/xml"
	"strconv"
	"strings"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin/document"
)

func (b *bom) readXML(x *document.XML) error {
	root, err := x.Root()
	if err != nil {
		return err
	}
	if root.Name.Local != "bom" || !strings.HasPrefix(root.Name.Space, namespace) {
		return gyre.FieldErrorf(gyre.Invalid, x.Place(), "the outermost element is %q of %q, not a CycloneDX bom", root.Name.Local, document.Line(root.Name.Space, 100))
	}
	b.serial = document.Attr(root, "serialNumber")
	err = x.Children(func(el xml.StartElement) error {
		switch el.Name.Local {
		case "metadata":
			if err := b.metadataXML(x); err != nil {
				return err
			}
			return b.metadataRead()
		case "components":
			b.hasParts = true
			return b.componentsXML(x)
		case "vulnerabilities":
			b.judged = true
			return x.Children(func(el xml.StartElement) error { return b.vulnerabilityXML(x, el, nil) })
		case "compositions":
			return x.Children(func(xml.StartElement) error {
				return x.Children(func(el xml.StartElement) error {
					if el.Name.Local != "aggregate" {
						return nil
					}
					word, err := x.Text()
					b.incomplete = b.incomplete || strings.HasPrefix(word, "incomplete")
					return err
				})
			})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return x.End()
}

func (b *bom) metadataXML(x *document.XML) error {
	return x.Children(func(el xml.StartElement) error {
		switch el.Name.Local {
		case "timestamp":
			text, err := x.Text()
			b.report.Looked = document.Date(text)
			return err
		case "component":
			c, _, err := b.componentXML(x, el)
			b.root = c
			return err
		case "tools":
			return b.toolsXML(x)
		case "supplier", "manufacture", "manufacturer":
			return x.Children(func(el xml.StartElement) error {
				if el.Name.Local != "name" || b.supplier != "" {
					return nil
				}
				var err error
				b.supplier, err = x.Text()
				return err
			})
		}
		return nil
	})
}

// toolsXML is toolsJSON for XML.
func (b *bom) toolsXML(x *document.XML) error {
	return x.Children(func(el xml.StartElement) error {
		switch el.Name.Local {
		case "components":
			return b.toolsXML(x)
		case "tool", "component":
			return x.Children(func(el xml.StartElement) error {
				if el.Name.Local != "name" {
					return nil
				}
				name, err := x.Text()
				b.madeBy(name)
				return err
			})
		}
		return nil
	})
}

func (b *bom) componentsXML(x *document.XML) error {
	return x.Children(func(el xml.StartElement) error {
		if el.Name.Local != "component" {
			return nil
		}
		c, own, err := b.componentXML(x, el)
		if err != nil {
			return err
		}
		if err := b.add(c); err != nil {
			return err
		}
		for i := range own {
			own[i].owner = &c
			if err := b.take(own[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// componentXML reads a component. Before version 1.4 an extension put
// vulnerabilities into it: these are returned.
func (b *bom) componentXML(x *document.XML, el xml.StartElement) (c component, own []vulnerability, err error) {
	c.ref, c.kind = document.Attr(el, "bom-ref"), document.Attr(el, "type")
	err = x.Children(func(el xml.StartElement) (err error) {
		switch el.Name.Local {
		case "group":
			c.group, err = x.Text()
		case "name":
			c.name, err = x.Text()
		case "version":
			c.version, err = x.Text()
		case "purl":
			c.purl, err = x.Text()
		case "components":
			err = b.componentsXML(x)
		case "properties":
			err = x.Children(func(el xml.StartElement) error {
				name := document.Attr(el, "name")
				value, err := x.Text()
				c.property(name, value)
				return err
			})
		case "evidence":
			err = x.Children(func(el xml.StartElement) error {
				if el.Name.Local != "occurrences" {
					return nil
				}
				return x.Children(func(xml.StartElement) error {
					return x.Children(func(el xml.StartElement) error {
						if el.Name.Local != "location" || c.location != "" {
							return nil
						}
						var err error
						c.location, err = x.Text()
						return err
					})
				})
			})
		case "vulnerabilities":
			b.judged = true
			err = x.Children(func(el xml.StartElement) error { return b.vulnerabilityXML(x, el, &own) })
		}
		return err
	})
	return c, own, err
}

// vulnerabilityXML reads a vulnerability of version 1.4 and later, or of the
// extension before it (http://cyclonedx.org/schema/ext/vulnerability/1.0).
func (b *bom) vulnerabilityXML(x *document.XML, el xml.StartElement, own *[]vulnerability) error {
	if el.Name.Local != "vulnerability" {
		return nil
	}
	var v vulnerability
	text := func(to *string) error {
		var err error
		*to, err = x.Text()
		return err
	}
	if ref := document.Attr(el, "ref"); ref != "" && own == nil {
		v.affects = []string{ref}
	}
	err := x.Children(func(el xml.StartElement) error {
		switch el.Name.Local {
		case "id":
			return text(&v.id)
		case "source":
			v.source = document.Attr(el, "name")
			return x.Children(func(el xml.StartElement) error {
				switch el.Name.Local {
				case "name":
					return text(&v.source)
				case "url":
					return text(&v.sourceURL)
				}
				return nil
			})
		case "references":
			return b.texts(x, "id", &v.aliases)
		case "ratings":
			return x.Children(func(xml.StartElement) error { return v.ratingXML(x) })
		case "cwes":
			return x.Children(func(xml.StartElement) error {
				id, err := x.Text()
				v.cwe(id)
				return err
			})
		case "description":
			return text(&v.description)
		case "detail":
			if v.description == "" {
				return text(&v.description)
			}
		case "recommendation":
			return text(&v.recommendation)
		case "recommendations":
			return x.Children(func(xml.StartElement) error { return text(&v.recommendation) })
		case "advisories":
			return x.Children(func(xml.StartElement) error {
				link, err := x.TextOr("url") // its own text before version 1.4
				v.links = append(v.links, link)
				return err
			})
		case "published":
			return text(&v.published)
		case "analysis":
			return x.Children(func(el xml.StartElement) error {
				if el.Name.Local == "state" {
					return text(&v.state)
				}
				return nil
			})
		case "affects":
			return b.texts(x, "ref", &v.affects)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if own != nil {
		if len(*own) < maxHeld {
			*own = append(*own, v)
		}
		return nil
	}
	return b.take(v)
}

// texts collects the texts of one member of each child.
func (b *bom) texts(x *document.XML, member string, to *[]string) error {
	return x.Children(func(xml.StartElement) error {
		return x.Children(func(el xml.StartElement) error {
			if el.Name.Local != member || len(*to) >= maxHeld {
				return nil
			}
			s, err := x.Text()
			*to = append(*to, s)
			return err
		})
	})
}

func (v *vulnerability) ratingXML(x *document.XML) error {
	var r rating
	err := x.Children(func(el xml.StartElement) error {
		var to *string
		switch el.Name.Local {
		case "severity":
			to = &r.severity
		case "method":
			to = &r.method
		case "vector":
			to = &r.vector
		case "score":
			score, err := x.TextOr("base")
			if f, perr := strconv.ParseFloat(score, 64); perr == nil {
				r.score = f
			}
			return err
		default:
			return nil
		}
		var err error
		*to, err = x.Text()
		return err
	})
	v.ratings = append(v.ratings, r)
	return err
}
