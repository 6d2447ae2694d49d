// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"archive/zip"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
	"github.com/gyre-ctem/gyre/plugin/plugintest"
)

const (
	machine = "0123456789abcdef0123456789abcdef"
	dpkgDB  = `Package: libssl3
Status: install ok installed
Architecture: amd64
Source: openssl
Version: 3.0.9-1

Package: dmsetup
Status: install ok installed
Architecture: amd64
Source: lvm2 (2.03.16-2)
Version: 2:1.02.185-2

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1.0

`
	npmLock = `{"name":"shop","lockfileVersion":3,"packages":{"":{"name":"shop"},"node_modules/lodash":{"version":"4.17.15"},
	"node_modules/a/node_modules/lodash":{"version":"4.17.20"},"node_modules/@scope/x":{"version":"1.0.0"}}}`
	goMod = "module example.com/gateway\n\ngo 1.20\n\nrequire github.com/gin-gonic/gin v1.9.0\n"
)

func key(t *testing.T) string {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func fatJar(t *testing.T) string {
	t.Helper()
	pack := func(files map[string]string) string {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for name, text := range files {
			w, err := z.Create(name)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = w.Write([]byte(text))
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	inner := pack(map[string]string{"META-INF/maven/org.apache.logging.log4j/log4j-core/pom.properties": "#made\nversion=2.14.1\ngroupId=org.apache.logging.log4j\nartifactId=log4j-core\n"})
	return pack(map[string]string{"BOOT-INF/lib/log4j-core.jar": inner, "BOOT-INF/lib/broken.jar": "no zip", "a.class": "x"})
}

type fixture map[string]string

func standard(t *testing.T) fixture {
	t.Helper()
	return fixture{
		"etc/os-release":                       "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nID=debian\n",
		"etc/hostname":                         "Web1\n",
		"etc/machine-id":                       machine + "\n",
		"etc/ssh/sshd_config":                  "# comment\nInclude /etc/ssh/sshd_config.d/*.conf\nPermitRootLogin yes\nX11Forwarding yes\nMatch User git\n  PasswordAuthentication yes\n",
		"etc/ssh/sshd_config.d/10-site.conf":   "PermitRootLogin=no\nCiphers aes256-ctr\n",
		"etc/ssh/sshd_config.d/ignored.txt":    "PermitEmptyPasswords yes\n",
		"etc/ssh/ssh_host_ecdsa_key":           key(t),
		"etc/sudoers":                          "Defaults env_reset\n# x ALL=(ALL) NOPASSWD: ALL\nroot ALL=(ALL:ALL) ALL\ndeploy ALL=(ALL) \\\n\tNOPASSWD: ALL # soon gone\n",
		"etc/sudoers.d/ops":                    "%ops ALL=(ALL) ALL\n",
		"etc/sudoers.d/old.bak":                "%ops ALL=(ALL) NOPASSWD: ALL\n",
		"etc/shadow":                           "root:*:1::::::\n",
		"etc/passwd":                           "root:x:0:0::/root:/bin/sh\n",
		"var/lib/dpkg/status":                  dpkgDB,
		"var/lib/dpkg/info/python3-yaml.list":  "/.\n/usr/lib/python3/dist-packages/PyYAML-6.0.dist-info/METADATA\n",
		"opt/shop/package-lock.json":           npmLock,
		"opt/shop/node_modules/x/package.json": `{"name":"x","version":"1.0.0"}`,
		"opt/shop/node_modules/yarn.lock":      "broken",
		"opt/shop/.env":                        "TOKEN=sk_" + "live_" + strings.Repeat("a1B2", 25) + "\nOTHER=sk_" + "live_" + strings.Repeat("c3D4", 25) + "\n",
		"opt/shop/docs/readme.md":              "sk_" + "live_" + strings.Repeat("a1B2", 25),
		"opt/shop/README":                      "for example sk_" + "live_" + strings.Repeat("a1B2", 25),
		"opt/shop/pom.lock":                    "nothing",
		"opt/app/app.jar":                      fatJar(t),
		"opt/reports/requirements.txt":         "Jinja2==2.11.2\nrequests>=2.0\nurllib3==1.26.4 ; python_version > '3'\n",
		"srv/gateway/go.mod":                   goMod,
		"srv/backup/id.pem":                    key(t),
		"home/ana/.ssh/id_ecdsa":               key(t),
		"usr/lib/python3/dist-packages/PyYAML-6.0.dist-info/METADATA":         "Metadata-Version: 2.1\nName: PyYAML\nVersion: 6.0\n",
		"usr/local/lib/python3.11/site-packages/Flask-2.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: Flask\nVersion: 2.0\n",
		"go/pkg/mod/example.com/m/go.mod":                                     goMod,
	}
}

func (f fixture) write(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range f {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func look(t *testing.T, req plugin.Request) (*seen, plugin.Report) {
	t.Helper()
	if req.Guard == nil {
		req.Guard = allowing{}
	}
	var s seen
	report, err := New().Run(t.Context(), req, s.emit)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Problems) > 0 {
		t.Errorf("problems: %v", report.Problems)
	}
	return &s, report
}

func places(s *seen) []string {
	var list []string
	for _, c := range s.Components {
		list = append(list, c.Location+"#"+c.Ecosystem+"/"+c.Name+"@"+c.Version)
	}
	slices.Sort(list)
	return list
}

func TestInventory(t *testing.T) {
	dir := standard(t).write(t)
	if err := os.Chmod(filepath.Join(dir, "etc/shadow"), 0o644); err != nil { // #nosec -- that is the finding
		t.Fatal(err)
	}
	s, report := look(t, plugin.Request{Target: gyre.Target{Root: dir, Zone: gyre.ZoneDMZ, Address: "127.0.10.9", Asset: "web1"}})

	want := []gyre.AssetSighting{{
		Ref: ref, Kind: gyre.Host, Name: "web1", Zone: gyre.ZoneDMZ,
		Attributes: map[string]string{"os": "Debian GNU/Linux", "os_version": "12", "distro": "debian", "os_title": "Debian GNU/Linux 12 (bookworm)"},
		Identifiers: []gyre.Identifier{
			{Type: gyre.IDMachine, Value: machine},
			{Type: gyre.IDHostname, Value: "web1", Zone: gyre.ZoneDMZ},
			{Type: gyre.IDIP, Value: "127.0.10.9", Zone: gyre.ZoneDMZ},
		},
	}}
	if diff := cmp.Diff(want, s.Assets); diff != "" {
		t.Errorf("assets: %s", diff)
	}
	if diff := cmp.Diff([]string{
		"/opt/app/app.jar#Maven/org.apache.logging.log4j:log4j-core@2.14.1",
		"/opt/reports/requirements.txt#PyPI/jinja2@2.11.2",
		"/opt/reports/requirements.txt#PyPI/urllib3@1.26.4",
		"/opt/shop/package-lock.json#npm/@scope/x@1.0.0",
		"/opt/shop/package-lock.json#npm/lodash@4.17.15",
		"/opt/shop/package-lock.json#npm/lodash@4.17.20",
		"/srv/gateway/go.mod#Go/github.com/gin-gonic/gin@1.9.0",
		"/usr/local/lib/python3.11/site-packages/Flask-2.0.dist-info/METADATA#PyPI/flask@2.0",
		"/var/lib/dpkg/status#Debian:12/dmsetup@2:1.02.185-2",
		"/var/lib/dpkg/status#Debian:12/libssl3@3.0.9-1",
	}, places(s)); diff != "" {
		t.Errorf("components: %s", diff)
	}
	for _, c := range s.Components {
		if c.Name == "dmsetup" && (c.Source != "lvm2" || !strings.Contains(c.PURL, "sourceversion=2.03.16-2")) {
			t.Errorf("%+v", c)
		}
	}
	var loci []string
	for _, f := range s.Findings {
		loci = append(loci, f.Weakness.Key+" "+f.Locus)
		b, err := json.Marshal(f)
		if err != nil || bytes.Contains(b, []byte("a1B2a1B2")) || bytes.Contains(b, []byte("MIG")) {
			t.Errorf("the finding holds the secret: %s", b)
		}
	}
	if diff := cmp.Diff([]string{"secret.stripe-key /opt/shop/.env:1", "secret.stripe-key /opt/shop/.env:2", "secret.private-key /srv/backup/id.pem"}, loci); diff != "" {
		t.Errorf("findings: %s", diff)
	}
	if t.Failed() {
		t.Logf("limits: %v", report.Limits)
	}
	text := strings.Join(report.Limits, "\n")
	for _, part := range []string{"npm packages (their lockfiles are read) left out: 1 (/opt/shop/node_modules)", "caches left out: 1 (/go/pkg/mod)", "OS package"} {
		if !strings.Contains(text, part) {
			t.Errorf("limits do not say %q: %s", part, text)
		}
	}
	facts := map[string]map[string]any{}
	for _, f := range s.Facts {
		facts[f.Locus] = f.Data
	}
	if diff := cmp.Diff(map[string]map[string]any{
		"/etc/ssh/sshd_config": {"path": "/etc/ssh/sshd_config", "kind": "sshd_config", "mode": "0600", "settings": map[string]any{"permitrootlogin": "no", "ciphers": "aes256-ctr", "x11forwarding": "yes"}},
		"/etc/sudoers":         {"path": "/etc/sudoers", "kind": "sudoers", "mode": "0600", "nopasswd": []any{"deploy ALL=(ALL) NOPASSWD: ALL"}},
		"/etc/sudoers.d/ops":   {"path": "/etc/sudoers.d/ops", "kind": "sudoers", "mode": "0600", "nopasswd": []any{}},
		"/etc/shadow":          {"path": "/etc/shadow", "kind": "shadow", "mode": "0644"},
		"/etc/passwd":          {"path": "/etc/passwd", "kind": "passwd", "mode": "0600"},
	}, facts); diff != "" {
		t.Errorf("facts: %s", diff)
	}
	if diff := cmp.Diff([]gyre.Coverage{
		{Asset: ref, Aspect: gyre.AspectFile, Loci: []string{"/etc/ssh/sshd_config", "/etc/sudoers", "/etc/sudoers.d/*", "/etc/shadow", "/etc/passwd"}, Credentialed: true},
		{Asset: ref, Aspect: gyre.AspectPackage, Credentialed: true},
		{Judged: true, Asset: ref, Aspect: gyre.AspectSecret, Weaknesses: secretKeys(), Credentialed: true},
	}, s.Coverage); diff != "" {
		t.Errorf("coverage: %s", diff)
	}
}

func TestBareRoot(t *testing.T) {
	dir := fixture{"etc/motd": "hi"}.write(t)
	s, _ := look(t, plugin.Request{Target: gyre.Target{Root: dir}})
	if len(s.Assets) != 1 || s.Assets[0].Identifiers[0].Type != gyre.IDURI || s.Assets[0].Name != filepath.Base(dir) {
		t.Errorf("%+v", s.Assets)
	}
	if len(s.Facts)+len(s.Components)+len(s.Findings) != 0 {
		t.Errorf("%+v", s.Batch)
	}
}

// Links must not lead out of the root, neither for facts nor for packages.
func TestLinksOut(t *testing.T) {
	outside := fixture{"sshd_config": "PermitRootLogin yes\n", "package-lock.json": npmLock, "id.pem": key(t)}.write(t)
	dir := fixture{"etc/hostname": "h\n", "srv/keep": ""}.write(t)
	if err := os.MkdirAll(filepath.Join(dir, "etc/ssh"), 0o750); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{
		"etc/ssh/sshd_config": filepath.Join(outside, "sshd_config"), "srv/package-lock.json": filepath.Join(outside, "package-lock.json"),
		"srv/id.pem": "../../" + filepath.Base(outside) + "/id.pem", "srv/all": outside,
	} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	s, report := look(t, plugin.Request{Target: gyre.Target{Root: dir}})
	if len(s.Facts)+len(s.Components)+len(s.Findings) != 0 {
		t.Errorf("read what is outside: %+v", s.Batch)
	}
	for _, c := range s.Coverage {
		if c.Aspect == gyre.AspectFile && slices.Contains(c.Loci, "/etc/ssh/sshd_config") {
			t.Errorf("claims to have read what it did not: %v (%v)", c.Loci, report.Limits)
		}
	}
}

// What an ordinary user may not read is a limit, and out of the coverage.
func TestUnreadable(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may read everything")
	}
	dir := standard(t).write(t)
	for _, p := range []string{"opt/shop", "etc/sudoers.d"} {
		if err := os.Chmod(filepath.Join(dir, p), 0); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = os.Chmod(filepath.Join(dir, p), 0o700) }() // #nosec -- so that it can be removed
	}
	s, report := look(t, plugin.Request{Target: gyre.Target{Root: dir}})
	if !strings.Contains(strings.Join(report.Limits, "\n"), "no permission to read folder: 2") {
		t.Errorf("limits %v", report.Limits)
	}
	for _, c := range s.Coverage {
		if c.Aspect == gyre.AspectPackage && (c.Loci == nil || slices.Contains(c.Loci, "/opt/*") || !slices.Contains(c.Loci, "/var/*")) {
			t.Errorf("loci %v", c.Loci)
		}
	}
}

// A package database that is broken is a problem; the run goes on without it.
func TestBrokenDatabase(t *testing.T) {
	f := standard(t)
	f["var/lib/dpkg/status"] = "Package: a\nStatus: what\nVersion: 1\n\n"
	var s seen
	report, err := New().Run(t.Context(), plugin.Request{Target: gyre.Target{Root: f.write(t)}, Guard: allowing{}}, s.emit)
	if err != nil || len(report.Problems) != 1 || report.Problems[0].Place != "/var/lib/dpkg/status" {
		t.Errorf("%+v %v", report.Problems, err)
	}
	for _, c := range s.Coverage {
		if c.Aspect == gyre.AspectPackage && (c.Loci == nil || slices.Contains(c.Loci, "/var/*")) {
			t.Errorf("covers the database that it could not read: %v", c.Loci)
		}
	}
}

func TestContract(t *testing.T) {
	plugintest.TestSource(t, New(), gyre.Target{Root: standard(t).write(t)})
}

func TestRefuses(t *testing.T) {
	_, err := New().Run(t.Context(), plugin.Request{Target: gyre.Target{Root: filepath.Join(t.TempDir(), "none")}, Guard: allowing{}}, new(seen).emit)
	if gyre.ErrorCode(err) != gyre.NotFound {
		t.Error(err)
	}
}
