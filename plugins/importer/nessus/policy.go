// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package nessus

import (
	"encoding/xml"
	"strconv"
	"strings"

	"github.com/gyre-ctem/gyre/plugin/document"
)

const (
	// fewPlugins are the most whose names go into the coverage of every host.
	fewPlugins = 1000
	// allPlugins: a scanner has had more than this since 2006, so a set that is
	// smaller is a choice, whatever the families say.
	allPlugins = 10_000
	// tenableOT is switched off wherever that product is not connected.
	tenableOT = "Tenable.ot"
)

// policy is what a report says of what was selected.
type policy struct {
	name     string
	plugins  int      // of plugin_set
	keys     []string // of the plugins, while they are few
	families int
	partial  bool // some family was not selected as a whole
}

// whole says that every plugin of the scanner was selected.
func (p *policy) whole() bool { return p.plugins >= allPlugins && p.families > 0 && !p.partial }

// few are the names of the weaknesses that a small selection looks for.
func (p *policy) few() []string {
	if p.plugins > fewPlugins {
		return nil
	}
	return p.keys
}

func (r *run) readPolicy() error {
	return r.x.Children(func(el xml.StartElement) error {
		switch el.Name.Local {
		case "policyName":
			text, err := r.x.Text()
			r.policy.name = document.Line(text, 200)
			return err
		case "Preferences":
			return r.x.Children(func(el xml.StartElement) error {
				if el.Name.Local != "ServerPreferences" {
					return nil
				}
				return r.x.Children(func(el xml.StartElement) error {
					if el.Name.Local != "preference" {
						return nil
					}
					return r.preference()
				})
			})
		case "FamilySelection":
			return r.x.Children(func(xml.StartElement) error { return r.family() })
		}
		return nil
	})
}

func (r *run) preference() error {
	var name, value string
	err := r.x.Children(func(el xml.StartElement) (err error) {
		switch el.Name.Local {
		case "name":
			name, err = r.x.Text()
		case "value":
			if name == "" || name == "plugin_set" {
				value, err = r.x.Text()
			}
		}
		return err
	})
	if err == nil && name == "plugin_set" {
		r.policy.plugins, r.policy.keys = 0, nil
		for id := range strings.SplitSeq(value, ";") {
			if id = strings.TrimSpace(id); !isNumber(id) {
				continue
			}
			if r.policy.plugins++; r.policy.plugins <= fewPlugins {
				r.policy.keys = append(r.policy.keys, keyOf(id))
			}
		}
	}
	return err
}

func (r *run) family() error {
	var name, status string
	err := r.x.Children(func(el xml.StartElement) (err error) {
		switch el.Name.Local {
		case "FamilyName":
			name, err = r.x.Text()
		case "Status":
			status, err = r.x.Text()
		}
		return err
	})
	if err != nil {
		return err
	}
	switch name {
	case "Port scanners", complianceFamily, tenableOT, "":
	default:
		r.policy.families++
		r.policy.partial = r.policy.partial || status != "enabled"
	}
	return nil
}

func isNumber(s string) bool {
	_, err := strconv.ParseUint(s, 10, 32)
	return err == nil
}

func keyOf(plugin string) string { return "nessus." + plugin }
