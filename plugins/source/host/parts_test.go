// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/osv-scalibr/extractor/filesystem"
	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
)

const procTCP = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000   107        0 1111 1 0000000000000000 100 0 0 10 0
   1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2222 1 0000000000000000 100 0 0 10 0
   2: 0100007F:9C40 0100007F:1538 01 00000000:00000000 00:00000000 00000000     0        0 3333 1 0000000000000000 20 4 30 10 -1
`

const procTCP6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000001000000:0016 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4444 1 0000000000000000 100 0 0 10 0
   1: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 5555 1 0000000000000000 100 0 0 10 0
`

func TestSockets(t *testing.T) {
	proc := fixture{"net/tcp": procTCP, "net/tcp6": procTCP6, "812/comm": "postgres\n", "self/mounts": ""}.write(t)
	if err := os.MkdirAll(filepath.Join(proc, "812/fd"), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("socket:[1111]", filepath.Join(proc, "812/fd/5")); err != nil {
		t.Fatal(err)
	}
	dir := fixture{"etc/passwd": "root:x:0:0::/:\npostgres:x:107:107::/:\n"}.write(t)
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = root.Close() }()
	var s seen
	r := &run{req: plugin.Request{Guard: allowing{}}, emit: s.emit, asset: ref, root: root, path: dir, proc: proc, live: true}
	if err := r.sockets(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	got := map[string]map[string]any{}
	for _, f := range s.Facts {
		got[f.Locus] = f.Data
	}
	if diff := cmp.Diff(map[string]map[string]any{
		"tcp/22":   {"port": int64(22), "address": "0.0.0.0", "loopback": false, "user": "root"},
		"tcp/5432": {"port": int64(5432), "address": "127.0.0.1", "loopback": true, "user": "postgres", "process": "postgres", "pid": int64(812)},
		"tcp/8080": {"port": int64(8080), "address": "::", "loopback": false, "user": "1000"},
	}, got); diff != "" {
		t.Error(diff)
	}
	if len(s.Coverage) != 1 || s.Coverage[0].Loci != nil || s.Coverage[0].Judged {
		t.Errorf("%+v", s.Coverage)
	}
}

func TestCover(t *testing.T) {
	tree := fstest.MapFS{
		"etc/ssl/private/key": {}, "etc/ssl/certs/a": {}, "etc/hosts": {},
		"var/lib/dpkg/status": {}, "var/lib/private/x": {}, "srv/app/package-lock.json": {}, "srv/app/yarn.lock": {}, "srv/app/sub/f": {},
	}
	read := map[string]bool{"var/lib/dpkg/status": true, "srv/app/package-lock.json": true}
	loci := func(roots []string, holes ...string) ([]string, bool) {
		c := cover{
			list: func(rel string) ([]fs.DirEntry, error) { return tree.ReadDir(cleanDir(rel)) }, holes: holes, roots: roots,
			file: func(rel string) []string {
				if read[rel] {
					return []string{locus(rel) + "#*"}
				}
				return nil
			},
		}
		return c.loci()
	}
	for name, tc := range map[string]struct {
		roots, holes, want []string
		nothing            bool
	}{
		"everything":             {roots: []string{""}},
		"folders unreadable":     {roots: []string{""}, holes: []string{"etc/ssl/private", "var/lib/private"}, want: []string{"/etc/ssl/certs/*", "/srv/*", "/var/lib/dpkg/*"}},
		"a file unreadable":      {roots: []string{""}, holes: []string{"srv/app/yarn.lock"}, want: []string{"/etc/*", "/srv/app/package-lock.json#*", "/srv/app/sub/*", "/var/*"}},
		"the root unreadable":    {roots: []string{""}, holes: []string{""}, nothing: true},
		"some roots, one folder": {roots: []string{"etc", "srv"}, holes: []string{"etc/ssl/private"}, want: []string{"/etc/ssl/certs/*", "/srv/*"}},
	} {
		got, any := loci(tc.roots, tc.holes...)
		slices.Sort(got)
		if diff := cmp.Diff(tc.want, got); diff != "" || any == tc.nothing {
			t.Errorf("%s: %v %s", name, any, diff)
		}
	}
}

func TestKeptWell(t *testing.T) {
	open, openssh := []byte(key(t)), []byte("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU\n")
	for _, tc := range []struct {
		rel  string
		mode fs.FileMode
		b    []byte
		want bool
	}{
		{"etc/ssh/ssh_host_rsa_key", 0o600, open, true},
		{"etc/ssh/ssh_host_rsa_key", 0o644, open, false},
		{"home/ana/.ssh/id_rsa", 0o600, openssh, true},
		{"srv/backup/id_rsa", 0o600, openssh, false},
		{"srv/backup/id_rsa", 0o600, []byte("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHI\n"), true},
		{"srv/backup/id.pem", 0o600, []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"), true},
		{"etc/ssl/private/server.key", 0o640, open, true},
	} {
		if got := keptWell(tc.rel, tc.mode, tc.b); got != tc.want {
			t.Errorf("keptWell(%s, %o) = %v", tc.rel, tc.mode, got)
		}
	}
}

func TestForeignMounts(t *testing.T) {
	file := filepath.Join(fixture{"mounts": "/dev/sda1 / ext4 rw 0 0\n/dev/sda2 /home ext4 rw 0 0\nnas:/x /mnt/my\\040nas nfs4 rw 0 0\nproc /proc proc rw 0 0\n"}.write(t), "mounts")
	if diff := cmp.Diff(map[string]bool{"/mnt/my nas": true, "/proc": true}, foreignMounts(file)); diff != "" {
		t.Error(diff)
	}
}

func TestSame(t *testing.T) {
	mine := gyre.AssetSighting{Identifiers: []gyre.Identifier{{Type: gyre.IDMachine, Value: "a"}, {Type: gyre.IDIP, Value: "10.0.0.1"}}}
	for name, tc := range map[string]struct {
		ids  []gyre.Identifier
		want bool
	}{
		"the same machine":                       {[]gyre.Identifier{{Type: gyre.IDMachine, Value: "a"}, {Type: gyre.IDIP, Value: "10.0.0.2"}}, true},
		"another machine at the same address":    {[]gyre.Identifier{{Type: gyre.IDMachine, Value: "b"}, {Type: gyre.IDIP, Value: "10.0.0.1"}}, false},
		"known by address only, and another one": {[]gyre.Identifier{{Type: gyre.IDIP, Value: "10.0.0.2"}}, false},
		"nothing in common":                      {nil, true},
	} {
		if got := same(mine, gyre.Asset{Identifiers: tc.ids}); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func FuzzSSHD(f *testing.F) {
	f.Add("Include a*\nPermitRootLogin yes\nMatch all\n")
	f.Add("Ciphers = \"aes\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		for line := range strings.Lines(text) {
			if k, v, ok := sshdLine(line); ok && (k == "" || v == "" || k != strings.ToLower(k)) {
				t.Fatalf("%q: %q %q", line, k, v)
			}
		}
		nopasswd(text)
		osRelease(strings.NewReader(text))
	})
}

func FuzzSockets(f *testing.F) {
	f.Add(procTCP)
	f.Add(procTCP6)
	f.Fuzz(func(t *testing.T, text string) {
		list, err := parseSockets(strings.NewReader(text))
		if err == nil {
			byPort(list)
		}
		userNames(text)
	})
}

type info struct {
	fs.FileInfo
	size int64
}

func (i info) Size() int64 { return i.size }

func FuzzJar(f *testing.F) {
	f.Add([]byte("PK\x05\x06"))
	f.Fuzz(func(t *testing.T, b []byte) {
		inv, err := jar{}.Extract(context.Background(), &filesystem.ScanInput{Path: "a.jar", Reader: bytes.NewReader(b), Info: info{size: int64(len(b))}})
		for _, p := range inv.Packages {
			if err != nil || p.Name == "" || p.Version == "" {
				t.Fatalf("%+v %v", p, err)
			}
		}
	})
}
