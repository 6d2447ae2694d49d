// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
)

func TestRetest(t *testing.T) {
	f := standard(t)
	dir := f.write(t)
	stored := gyre.Asset{ID: gyre.NewID(), Name: "web1", Identifiers: []gyre.Identifier{{Type: gyre.IDMachine, Value: machine}}}
	again := func(aspect gyre.Aspect, locus string) *seen {
		t.Helper()
		s, _ := look(t, plugin.Request{
			Target: gyre.Target{Root: dir}, Only: &plugin.Place{Asset: stored, Aspect: aspect, Locus: locus},
		})
		if len(s.Assets) != 0 {
			t.Errorf("a retest brings no asset: %v", s.Assets)
		}
		for _, c := range s.Coverage {
			if c.Asset != gyre.RefID(stored.ID) {
				t.Errorf("coverage of %s", c.Asset)
			}
		}
		return s
	}
	covers := func(s *seen, want ...string) {
		t.Helper()
		var got []string
		for _, c := range s.Coverage {
			got = append(got, c.Loci...)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("coverage %s", diff)
		}
	}

	s := again(gyre.AspectPackage, "/opt/shop/package-lock.json#lodash")
	if len(s.Components) != 3 || s.Components[0].Asset != gyre.RefID(stored.ID) {
		t.Errorf("%v", s.Components)
	}
	covers(s, "/opt/shop/package-lock.json#*")

	s = again(gyre.AspectFile, "/etc/ssh/sshd_config")
	if len(s.Facts) != 1 {
		t.Errorf("%v", s.Facts)
	}
	covers(s, "/etc/ssh/sshd_config")
	covers(again(gyre.AspectFile, "/etc/sudoers.d/ops"), "/etc/sudoers.d/ops")

	s = again(gyre.AspectSecret, "/opt/shop/.env:1")
	if len(s.Findings) != 2 {
		t.Errorf("%v", s.Findings)
	}
	covers(s, "/opt/shop/.env", "/opt/shop/.env:*")
	if s = again(gyre.AspectSecret, "/srv/backup/id.pem"); len(s.Findings) != 1 {
		t.Errorf("%v", s.Findings)
	}

	// Gone is evidence as well.
	for _, p := range []string{"opt/shop/package-lock.json", "opt/shop/.env", "etc/sudoers.d/ops"} {
		if err := os.Remove(filepath.Join(dir, p)); err != nil {
			t.Fatal(err)
		}
	}
	s = again(gyre.AspectPackage, "/opt/shop/package-lock.json#lodash")
	covers(s, "/opt/shop/package-lock.json#*")
	if len(s.Components) != 0 {
		t.Errorf("%v", s.Components)
	}
	covers(again(gyre.AspectSecret, "/opt/shop/.env:1"), "/opt/shop/.env", "/opt/shop/.env:*")
	covers(again(gyre.AspectFile, "/etc/sudoers.d/ops"), "/etc/sudoers.d/ops")

	// What cannot be understood any more is not.
	if err := os.WriteFile(filepath.Join(dir, "opt/shop/package-lock.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	covers(again(gyre.AspectPackage, "/opt/shop/package-lock.json#lodash"))
	// Nor is another machine's root, nor sockets of a root that is not this machine.
	stored.Identifiers[0].Value = "ffffffffffffffffffffffffffffffff"
	covers(again(gyre.AspectFile, "/etc/ssh/sshd_config"))
	stored.Identifiers = nil
	covers(again(gyre.AspectSocket, "tcp/22"))
	covers(again(gyre.AspectPackage, "/../../etc/passwd#x"))
}
