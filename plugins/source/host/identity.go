// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"bufio"
	"io"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/gyre-ctem/gyre"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

var (
	machineID = regexp.MustCompile(`^[0-9a-f]{32}$`)
	hostname  = regexp.MustCompile(`^[a-z0-9]([a-z0-9._-]{0,251}[a-z0-9])?$`)
)

// identify says which asset the root belongs to.
func (r *run) identify() gyre.AssetSighting {
	t := r.req.Target
	s := gyre.AssetSighting{Ref: ref, Kind: gyre.Host, Name: t.Asset, Zone: t.Zone, Attributes: r.attributes()}
	name := strings.ToLower(strings.TrimSpace(r.small("etc/hostname")))
	if r.live {
		if n, err := os.Hostname(); err == nil {
			name = strings.ToLower(n)
		}
	}
	name = strings.TrimSuffix(name, ".")
	if id := strings.ToLower(strings.TrimSpace(r.small("etc/machine-id"))); machineID.MatchString(id) {
		s.Identifiers = append(s.Identifiers, gyre.Identifier{Type: gyre.IDMachine, Value: id})
	}
	if hostname.MatchString(name) && name != "localhost" && !strings.HasPrefix(name, "localhost.") {
		if strings.Contains(name, ".") {
			s.Identifiers = append(s.Identifiers, gyre.Identifier{Type: gyre.IDFQDN, Value: name})
		} else {
			s.Identifiers = append(s.Identifiers, gyre.Identifier{Type: gyre.IDHostname, Value: name, Zone: t.Zone})
		}
		if s.Name == "" {
			s.Name = name
		}
	}
	if a, err := netip.ParseAddr(t.Address); err == nil {
		s.Identifiers = append(s.Identifiers, gyre.Identifier{Type: gyre.IDIP, Value: a.Unmap().String(), Zone: t.Zone})
	}
	if s.Name == "" {
		s.Name = filepath.Base(r.path)
		if r.live {
			s.Name = "this machine"
		}
	}
	if len(s.Identifiers) == 0 {
		s.Identifiers = []gyre.Identifier{{Type: gyre.IDURI, Value: "file://" + filepath.ToSlash(r.path)}}
	}
	return s
}

// same says whether the sighting can be the stored asset: no identifier of a
// type that both have may say otherwise for the strongest such type.
func same(s gyre.AssetSighting, a gyre.Asset) bool {
	best, agree := 0, true
	for _, mine := range s.Identifiers {
		both, equal := false, false
		for _, theirs := range a.Identifiers {
			if theirs.Type == mine.Type {
				both = true
				equal = equal || theirs.Value == mine.Value && theirs.Zone == mine.Zone
			}
		}
		if both && mine.Type.Strength() > best {
			best, agree = mine.Type.Strength(), equal
		}
	}
	return agree
}

func (r *run) attributes() map[string]string {
	m := map[string]string{}
	text := r.small("etc/os-release")
	if text == "" {
		text = r.small("usr/lib/os-release")
	}
	release := osRelease(strings.NewReader(text))
	for key, from := range map[string]string{"os": "NAME", "os_version": "VERSION_ID", "distro": "ID", "os_title": "PRETTY_NAME"} {
		if v := release[from]; v != "" && len(v) <= 200 {
			m[key] = v
		}
	}
	if r.live {
		if b, err := os.ReadFile(filepath.Join(r.proc, "sys/kernel/osrelease")); err == nil {
			m["kernel"] = strings.TrimSpace(string(b))
		}
	}
	return m
}

// osRelease reads os-release(5): shell assignments without expansion.
func osRelease(in io.Reader) map[string]string {
	m := map[string]string{}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		key, value, ok := strings.Cut(strings.TrimSpace(lines.Text()), "=")
		if !ok || strings.HasPrefix(key, "#") {
			continue
		}
		if n := len(value); n >= 2 && (value[0] == '"' || value[0] == '\'') && value[n-1] == value[0] {
			value = value[1 : n-1]
		}
		m[key] = value
	}
	return m
}

// small reads a small file within the root; "" when it cannot.
func (r *run) small(rel string) string {
	f, _, err := r.openFile(rel)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, 64<<10))
	if err != nil {
		return ""
	}
	return string(b)
}
