// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/httpapi"
	"github.com/gyre-ctem/gyre/internal/store/storetest"
)

const dpkgStatus = `Package: libssl3
Status: install ok installed
Architecture: amd64
Source: openssl
Version: 3.0.9-1

`

const sbom = `{"bomFormat":"CycloneDX","specVersion":"1.5","metadata":{"component":{"type":"application","name":"billing","version":"1"}},
	"components":[{"type":"library","name":"left","version":"4.1.0","purl":"pkg:npm/left@4.1.0"}]}`

// TestNewAdvisoryForKnownSoftware: when intelligence comes between two cycles,
// the next one finds what it means for the estate, also where nothing changed, where
// nobody can look any more and where nobody will look again.
func TestNewAdvisoryForKnownSoftware(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(string(engine), func(t *testing.T) { testNewAdvisory(t, storetest.URL(t, engine)) })
	}
}

func testNewAdvisory(t *testing.T, database string) {
	feeds, root := t.TempDir(), t.TempDir()
	write := func(path, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	advise := func(cve, ecosystem, name, kind, fixed string) {
		t.Helper()
		folder, _, _ := strings.Cut(ecosystem, ":")
		write(filepath.Join(feeds, "osv", folder, "A-"+cve+".json"), fmt.Sprintf(
			`{"id":"A-%s","modified":"2026-01-01T00:00:00Z","aliases":["%s"],"summary":"%s in %s","affected":[{"package":{"ecosystem":"%s","name":"%s"},"ranges":[{"type":"%s","events":[{"introduced":"0"},{"fixed":"%s"}]}]}]}`,
			cve, cve, cve, name, ecosystem, name, kind, fixed,
		))
	}
	write(filepath.Join(root, "etc/os-release"), "ID=debian\nVERSION_ID=\"12\"\n")
	write(filepath.Join(root, "etc/machine-id"), "0123456789abcdef0123456789abcdef\n")
	write(filepath.Join(root, "var/lib/dpkg/status"), dpkgStatus)
	advise("CVE-2023-0001", "Debian:12", "openssl", "ECOSYSTEM", "3.0.11-1")

	a := openOn(t, filepath.Join(t.TempDir(), "data"), feeds, database)
	ws := a.workspace.ID
	if _, err := a.db.CreateScope(t.Context(), ws, "test", gyre.Scope{Name: "s", Targets: []gyre.Target{{Root: root, Asset: "web"}}}); err != nil {
		t.Fatal(err)
	}
	open := func(want ...string) {
		t.Helper()
		var got []string
		err := a.db.EachActiveExposure(t.Context(), ws, func(e gyre.Exposure) error {
			w, err := a.db.Weakness(t.Context(), ws, e.Weakness)
			if strings.HasPrefix(w.Key, "CVE-") {
				got = append(got, w.Key)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(got)
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("exposures (-want +got):\n%s", d)
		}
	}
	sync := func() {
		t.Helper()
		status, err := a.intel.SyncNow(t.Context(), nil, "osv")
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range status {
			if s.Name == "osv" && s.Error != "" {
				t.Fatal(s.Error)
			}
		}
	}
	a.turn(t)
	open("CVE-2023-0001")
	a.imported(t, httpapi.Import{Name: "bom.json", Body: strings.NewReader(sbom)})
	open("CVE-2023-0001")

	// The host is unchanged.
	advise("CVE-2023-0002", "Debian:12", "openssl", "ECOSYSTEM", "3.0.12-1")
	sync()
	if c := a.turn(t); c.Created != 1 || c.Closed != 0 {
		t.Errorf("an unchanged host: %d created, %d closed", c.Created, c.Closed)
	}
	open("CVE-2023-0001", "CVE-2023-0002")

	// The software is known from an upload.
	advise("CVE-2023-0003", "npm", "left", "SEMVER", "4.2.1")
	sync()
	if c := a.turn(t); c.Created != 1 || c.Before.Exposures+1 != c.After.Exposures {
		t.Errorf("an upload: %d created, %d before, %d after", c.Created, c.Before.Exposures, c.After.Exposures)
	}
	open("CVE-2023-0001", "CVE-2023-0002", "CVE-2023-0003")

	// Nobody can look any more.
	if err := os.Rename(root, root+"-away"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(root + "-away") })
	advise("CVE-2023-0004", "Debian:12", "openssl", "ECOSYSTEM", "3.0.13-1")
	sync()
	if c := a.turn(t); c.Created != 1 || c.Closed != 0 {
		t.Errorf("a host that cannot be looked at: %d created, %d closed", c.Created, c.Closed)
	}
	open("CVE-2023-0001", "CVE-2023-0002", "CVE-2023-0003", "CVE-2023-0004")

	// It comes to nothing when nothing is new, and an upgrade closes all of it.
	if c := a.turn(t); c.Created+c.Reopened+c.Closed != 0 {
		t.Errorf("nothing is new: %d created, %d reopened, %d closed", c.Created, c.Reopened, c.Closed)
	}
	if err := os.Rename(root+"-away", root); err != nil {
		t.Fatal(err)
	}
	write(filepath.Join(root, "var/lib/dpkg/status"), strings.ReplaceAll(dpkgStatus, "3.0.9-1", "3.0.14-1"))
	if c := a.turn(t); c.Closed != 3 {
		t.Errorf("upgraded: %d closed", c.Closed)
	}
	open("CVE-2023-0003")
}
