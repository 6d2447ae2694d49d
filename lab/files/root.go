// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package files

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/gyre-ctem/gyre/lab/truth"
)

// RootDir is the folder of a host's root below the estate's folder.
func RootDir(host string) string { return "roots/" + host }

// root is the root folder of one host: a Debian system with what the rows say
// of it, and everything else as it should be.
func (e Estate) root(host string) []File {
	dir := RootDir(host)
	release, codename := "12", "bookworm"
	if host == "ledger" {
		release, codename = "11", "bullseye"
	}
	id := sha256.Sum256([]byte("practice estate " + host))
	files := []File{
		text(dir+"/etc/os-release", fmt.Sprintf("PRETTY_NAME=\"Debian GNU/Linux %[1]s (%[2]s)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"%[1]s\"\nVERSION=\"%[1]s (%[2]s)\"\nVERSION_CODENAME=%[2]s\nID=debian\n", release, codename)),
		text(dir+"/etc/debian_version", release+".5\n"),
		text(dir+"/etc/hostname", host+"\n"),
		text(dir+"/etc/machine-id", hex.EncodeToString(id[:16])+"\n"),
		text(dir+"/etc/passwd", e.passwd(host)),
		{Path: dir + "/etc/shadow", Mode: e.shadowMode(host), Data: []byte("root:!:19700:0:99999:7:::\nservice:!:19700:0:99999:7:::\n")},
		text(dir+"/etc/ssh/sshd_config", e.sshd(host)),
		{Path: dir + "/etc/sudoers", Mode: 0o440, Data: []byte(e.sudoers(host))},
		text(dir+"/etc/rsyslog.d/50-forward.conf", e.rsyslog(host)),
		text(dir+truth.DpkgStatus, e.dpkg(host)),
	}
	if rows := e.packages(host, truth.NPMLock); len(rows) > 0 {
		files = append(files, npm(dir, rows)...)
	}
	if rows := e.packages(host, truth.Requirements); len(rows) > 0 {
		var b strings.Builder
		for _, r := range rows {
			fmt.Fprintf(&b, "%s==%s\n", r.Package.Name, r.Version())
		}
		files = append(files, text(dir+truth.Requirements, b.String()))
	}
	if rows := e.packages(host, truth.GoMod); len(rows) > 0 {
		var b strings.Builder
		b.WriteString("module corp.example/gateway\n\ngo 1.26\n\nrequire (\n")
		for _, r := range rows {
			fmt.Fprintf(&b, "\t%s v%s\n", r.Package.Name, r.Version())
		}
		files = append(files, text(dir+truth.GoMod, b.String()+")\n"))
	}
	if host == "backup" {
		files = append(files, text(dir+"/var/log/auth.log", e.authLog()))
		if e.has("backup.private-key") {
			files = append(files, text(dir+truth.BackupKey, e.PrivateKey))
		}
	}
	return files
}

func (e Estate) passwd(host string) string {
	s := "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\nservice:x:998:998:service:/srv:/usr/sbin/nologin\n"
	if e.has(host + ".second-root") {
		s += "support:x:0:0::/var/tmp:/bin/sh\n"
	}
	return s
}

// shadowMode is 0644 when planted. Fixed it is 0600 rather than 0640, because
// here the group of the file is the one of whoever runs the estate.
func (e Estate) shadowMode(host string) os.FileMode {
	if e.has(host + ".shadow-readable") {
		return 0o644
	}
	return 0o600
}

func (e Estate) sshd(host string) string {
	root, password := "no", "no"
	if e.has(host + ".permit-root") {
		root = "yes"
	}
	if e.has(host + ".password-login") {
		password = "yes"
	}
	ciphers := "chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-gcm@openssh.com"
	if e.has(host + ".weak-ciphers") {
		ciphers += ",aes256-cbc,aes128-cbc,3des-cbc"
	}
	return fmt.Sprintf(`# Managed by the operations team.
Port 22
PermitRootLogin %s
PasswordAuthentication %s
PermitEmptyPasswords no
KbdInteractiveAuthentication no
PubkeyAuthentication yes
X11Forwarding no
Ciphers %s
MACs hmac-sha2-512-etm@openssh.com,hmac-sha2-256-etm@openssh.com
KexAlgorithms sntrup761x25519-sha512@openssh.com,curve25519-sha256
Subsystem sftp /usr/lib/openssh/sftp-server
`, root, password, ciphers)
}

func (e Estate) sudoers(host string) string {
	s := "Defaults env_reset\nDefaults secure_path=\"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\"\nroot ALL=(ALL:ALL) ALL\n%sudo ALL=(ALL:ALL) ALL\n"
	if e.has(host + ".nopasswd") {
		s += "deploy ALL=(ALL) NOPASSWD: ALL\n"
	} else if host == "bastion" {
		s += "deploy ALL=(ALL) /usr/bin/systemctl restart app\n"
	}
	return s
}

func (e Estate) rsyslog(host string) string {
	if e.has(host + ".no-log-forwarding") {
		return "# *.* @@monitor.corp.example:6514\n"
	}
	return "*.* @@monitor.corp.example:6514\n"
}

// clean is software that every host has, in versions that no fact speaks of.
var clean = [][3]string{
	{"base-files", "", "12.4+deb12u5"},
	{"bash", "", "5.2.15-2+b2"},
	{"coreutils", "", "9.1-1"},
	{"dpkg", "", "1.21.22"},
	{"libpam0g", "pam", "1.5.2-6+deb12u1"},
	{"tar", "", "1.34+dfsg-1.2+deb12u1"},
	{"rsyslog", "", "8.2302.0-1"},
}

// dpkg is the package database (deb-control(5), dpkg-query(1)).
func (e Estate) dpkg(host string) string {
	var b strings.Builder
	add := func(name, source, version string) {
		fmt.Fprintf(&b, "Package: %s\nStatus: install ok installed\nPriority: optional\nSection: admin\nInstalled-Size: 512\n"+
			"Maintainer: Debian <debian-devel@lists.debian.org>\nArchitecture: amd64\n", name)
		if source != "" && source != name {
			fmt.Fprintf(&b, "Source: %s\n", source)
		}
		fmt.Fprintf(&b, "Version: %s\nDescription: %s\n\n", version, name)
	}
	for _, p := range clean {
		add(p[0], p[1], p[2])
	}
	if host == "web1" { // the same software as on the other hosts, at the fixed versions
		seen := map[string]bool{}
		for i := range e.Rows {
			if p := e.Rows[i].Package; p != nil && p.Ecosystem == "Debian:12" && !seen[p.Name] {
				seen[p.Name] = true
				add(p.Binary, p.Name, p.Fixed)
			}
		}
	}
	for _, r := range e.packages(host, truth.DpkgStatus) {
		add(r.Package.Binary, r.Package.Name, r.Version())
	}
	return b.String()
}

// npm is the lockfile (version 3) and the manifest of the shop.
func npm(dir string, rows []*truth.Row) []File {
	deps := map[string]string{}
	packages := map[string]any{"": map[string]any{"name": "shop", "version": "3.2.0", "dependencies": deps}}
	for _, r := range rows {
		name, version := r.Package.Name, r.Version()
		deps[name] = "^" + version
		packages["node_modules/"+name] = map[string]any{
			"version": version, "license": "MIT",
			"resolved": fmt.Sprintf("https://registry.npmjs.org/%[1]s/-/%[1]s-%[2]s.tgz", name, version),
		}
	}
	write := func(name string, v any) File {
		data, err := json.MarshalIndent(v, "", "  ")
		if err != nil {
			panic(err) // maps of strings always marshal
		}
		return File{Path: dir + name, Mode: 0o600, Data: append(data, '\n')}
	}
	return []File{
		write(truth.NPMLock, map[string]any{"name": "shop", "version": "3.2.0", "lockfileVersion": 3, "requires": true, "packages": packages}),
		write("/opt/shop/package.json", map[string]any{"name": "shop", "version": "3.2.0", "private": true, "dependencies": deps}),
	}
}

// authLog shows an attack that worked, or an ordinary night.
func (e Estate) authLog() string {
	var b strings.Builder
	at := e.Now.Add(-26 * time.Hour)
	line := func(s string) {
		fmt.Fprintf(&b, "%s backup sshd[2204]: %s\n", at.Format(time.Stamp), s)
		at = at.Add(3 * time.Second)
	}
	if e.has("backup.guessing") {
		for i := range 300 {
			line(fmt.Sprintf("Failed password for service from 198.51.100.23 port %d ssh2", 40000+i))
		}
		line("Accepted password for service from 198.51.100.23 port 40311 ssh2")
	}
	line("Accepted publickey for service from 127.0.13.11 port 51544 ssh2: ED25519 SHA256:practice")
	return b.String()
}
