// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gyre-ctem/gyre"
)

// Limits of what a batch may hold. Longer names and keys are refused, because
// cutting them would make two things one; longer prose is cut.
const (
	maxEntries  = 20_000
	maxName     = 512
	maxLocus    = 1024
	maxPURL     = 1024
	maxProse    = 8 << 10
	maxFact     = 64 << 10
	maxEvidence = 16 << 10
	maxListed   = 100 // aliases, references, tags, attributes of one entry
	maxDepth    = 16  // of a fact's or an evidence's data
)

// clean makes text storable on every engine: valid UTF-8 without NUL.
func clean(s string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
}

// prose is clean text of bounded length, cut between characters.
func prose(s string, limit int) string {
	s = clean(s)
	if len(s) <= limit {
		return s
	}
	s = s[:limit-len("…")]
	for len(s) > 0 && !utf8.RuneStart(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	if len(s) > 0 && s[len(s)-1] >= utf8.RuneSelf {
		s = s[:len(s)-1]
	}
	return s + "…"
}

func short(field, s string, limit int) (string, error) {
	s = strings.TrimSpace(clean(s))
	if len(s) > limit {
		return "", gyre.FieldErrorf(gyre.Invalid, field, "%d bytes, at most %d are allowed", len(s), limit)
	}
	return s, nil
}

func words(list []string, limit int) []string {
	var out []string
	for _, w := range list {
		if w = prose(strings.TrimSpace(w), limit); w != "" && !slices.Contains(out, w) {
			if out = append(out, w); len(out) == maxListed {
				break
			}
		}
	}
	return out
}

// locusOf is the normal form of a locus, or of a pattern of coverage.
func locusOf(aspect gyre.Aspect, s string, normal func(gyre.Aspect, string) string) (string, error) {
	s, err := short("locus", s, maxLocus)
	if err != nil {
		return "", err
	}
	return short("locus", normal(aspect, s), maxLocus)
}

// Values that many machines share, so that they identify none.
var noIdentity = []string{
	"", "none", "null", "unknown", "localhost", "localhost.localdomain", "default string", "to be filled by o.e.m.", "system serial number",
	"not specified", "n/a", "0", "0123456789", "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff",
}

// identifierOf is the normal form of an identifier; ok is false for one that
// identifies nothing.
func identifierOf(i gyre.Identifier, zone gyre.Zone) (gyre.Identifier, bool, error) {
	value, err := short("identifiers", i.Value, maxName)
	if err != nil {
		return i, false, err
	}
	if i.Type.Strength() == 0 {
		return i, false, gyre.FieldErrorf(gyre.Invalid, "identifiers", "identifier type %q is not known", i.Type)
	}
	value = strings.ToLower(strings.TrimSuffix(value, "."))
	switch i.Type {
	case gyre.IDIP:
		ip, err := netip.ParseAddr(value)
		if err != nil {
			return i, false, gyre.FieldErrorf(gyre.Invalid, "identifiers", "%q is not an IP address", prose(value, 60))
		}
		ip = ip.Unmap().WithZone("")
		if ip.IsUnspecified() || ip.IsMulticast() {
			return i, false, nil
		}
		value = ip.String()
	case gyre.IDMAC:
		value = macOf(value)
	case gyre.IDMachine, gyre.IDDirectory, gyre.IDCloud, gyre.IDDigest:
		if strings.Trim(value, "0-{}") == "" || strings.Trim(value, "f-{}") == "" {
			return i, false, nil
		}
		value = strings.Trim(value, "{}")
	}
	if slices.Contains(noIdentity, value) {
		return i, false, nil
	}
	out := gyre.Identifier{Type: i.Type, Value: value}
	if i.Type.Zoned() {
		out.Zone = i.Zone
		if out.Zone == "" {
			out.Zone = zone
		}
	}
	return out, true, nil
}

// macOf writes a MAC address as aa:bb:cc:dd:ee:ff, whatever separates its bytes.
func macOf(s string) string {
	digits := strings.NewReplacer(":", "", "-", "", ".", "").Replace(s)
	b, err := hex.DecodeString(digits)
	if err != nil || len(b) != 6 {
		return s
	}
	parts := make([]string, len(b))
	for i := range b {
		parts[i] = hex.EncodeToString(b[i : i+1])
	}
	return strings.Join(parts, ":")
}

// identifiersOf are the identifiers of a sighting, the strongest first, without
// doubles. A sighting that has none is known by its name.
func identifiersOf(s *gyre.AssetSighting) ([]gyre.Identifier, error) {
	if len(s.Identifiers) > maxListed {
		return nil, gyre.FieldErrorf(gyre.Invalid, "identifiers", "%d identifiers, at most %d are allowed", len(s.Identifiers), maxListed)
	}
	var out []gyre.Identifier
	add := func(i gyre.Identifier) error {
		i, ok, err := identifierOf(i, s.Zone)
		if err == nil && ok && !slices.Contains(out, i) {
			out = append(out, i)
		}
		return err
	}
	for _, i := range s.Identifiers {
		if err := add(i); err != nil {
			return nil, err
		}
	}
	if len(out) == 0 && s.Name != "" {
		if err := add(gyre.Identifier{Type: gyre.IDHostname, Value: s.Name}); err != nil {
			return nil, err
		}
	}
	if len(out) == 0 {
		return nil, gyre.FieldErrorf(gyre.Invalid, "identifiers", "asset %q has neither an identifier nor a name", s.Ref)
	}
	slices.SortStableFunc(out, func(a, b gyre.Identifier) int {
		if d := b.Type.Strength() - a.Type.Strength(); d != 0 {
			return d
		}
		return strings.Compare(a.Value, b.Value)
	})
	return out, nil
}

// checkSize refuses what no sane source sends at once.
func checkSize(b *gyre.Batch) error {
	for _, part := range []struct {
		name string
		n    int
	}{
		{"assets", len(b.Assets)},
		{"relations", len(b.Relations)},
		{"components", len(b.Components)},
		{"facts", len(b.Facts)},
		{"findings", len(b.Findings)},
		{"coverage", len(b.Coverage)},
	} {
		if part.n > maxEntries {
			return gyre.FieldErrorf(gyre.TooLarge, part.name, "%d entries in one batch, at most %d are allowed", part.n, maxEntries)
		}
	}
	return nil
}
