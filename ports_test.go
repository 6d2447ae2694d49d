// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package gyre_test

import (
	"slices"
	"testing"

	"github.com/gyre-ctem/gyre"
)

func TestParsePorts(t *testing.T) {
	for list, want := range map[string][]uint16{
		"22":                {22},
		"80, 22,80":         {22, 80},
		"8000-8003,22":      {22, 8000, 8001, 8002, 8003},
		"65535,1":           {1, 65535},
		"10-12,11-13,12-12": {10, 11, 12, 13},
	} {
		got, err := gyre.ParsePorts(list)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("ParsePorts(%q) = %v, %v, want %v", list, got, err, want)
		}
	}
	for _, list := range []string{",", "0", "65536", "a", "80-", "-80", "90-80", "22;80", "+5", "1-2-3", "٣"} {
		if got, err := gyre.ParsePorts(list); gyre.ErrorCode(err) != gyre.Invalid {
			t.Errorf("ParsePorts(%q) = %v, %v, want it refused", list, got, err)
		}
	}
	if got, _ := gyre.ParsePorts(" "); !slices.Equal(got, gyre.DefaultPorts()) {
		t.Errorf("an empty list is not the default: %v", got)
	}
	if def := gyre.DefaultPorts(); !slices.IsSorted(def) || len(slices.Compact(slices.Clone(def))) != len(def) {
		t.Error("the default ports are not ascending and unique")
	}
}

func FuzzParsePorts(f *testing.F) {
	for _, s := range []string{"22,80,8000-8100", "", "1-65535", "80-", "9999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, list string) {
		ports, err := gyre.ParsePorts(list)
		if err != nil {
			return
		}
		if len(ports) == 0 || !slices.IsSorted(ports) || ports[0] == 0 {
			t.Fatalf("ParsePorts(%q) = %v", list, ports)
		}
	})
}
