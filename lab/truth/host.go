// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package truth

import gyre "github.com/gyre-ctem/gyre"

// Files of a host's root that rows speak of.
const (
	DpkgStatus   = "/var/lib/dpkg/status"
	NPMLock      = "/opt/shop/package-lock.json"
	Requirements = "/opt/reports/requirements.txt"
	GoMod        = "/srv/gateway/go.mod"
	BackupKey    = "/srv/backup/id_backup.pem"
)

// software is a row about an installed package.
func software(id string, class gyre.Class, zone gyre.Zone, host string, p Package, title, fix string) Row {
	loci := []string{p.File + "#" + p.Name}
	if p.Binary != "" {
		loci = append(loci, p.File+"#"+p.Binary)
	}
	return Row{
		ID: id, Class: class, Zone: zone, Host: host, Flaw: host + ".package-" + p.Name,
		Loci: loci, Package: &p, Title: title, Fix: fix,
	}
}

func debian(id string, zone gyre.Zone, host, release, source, binary, vulnerable, fixed string) Row {
	return software(id, gyre.Vulnerability, zone, host, Package{
		Ecosystem: "Debian:" + release, Name: source, Binary: binary, Vulnerable: vulnerable, Fixed: fixed, File: DpkgStatus,
	}, source+" "+vulnerable+" on "+host, "apt-get install --only-upgrade "+binary+" (to "+fixed+")")
}

func library(id string, zone gyre.Zone, host, ecosystem, name, vulnerable, fixed, file, how string) Row {
	return software(id, gyre.Vulnerability, zone, host, Package{
		Ecosystem: ecosystem, Name: name, Vulnerable: vulnerable, Fixed: fixed, File: file,
	}, name+" "+vulnerable+" on "+host, how+" (to "+fixed+")")
}

func hostRows() []Row {
	const (
		in  = gyre.ZoneInternal
		mgt = gyre.ZoneManagement
	)
	file := func(id string, class gyre.Class, host, what, locus, title, fix string, keys ...string) Row {
		return Row{
			ID: id, Class: class, Zone: mgt, Host: host, Flaw: host + "." + what,
			Loci: []string{locus}, Keys: keys, Title: title, Fix: fix,
		}
	}
	malware := library("W-50", in, "orders2", "npm", "ua-parser-js", "0.7.29", "0.7.30", NPMLock, "npm install ua-parser-js@0.7.30, then rebuild the host")
	malware.Class, malware.Title = gyre.SupplyChain, "The hijacked release 0.7.29 of ua-parser-js on orders2"
	return []Row{
		debian("W-39", in, "orders1", "12", "curl", "curl", "7.88.1-10", "7.88.1-10+deb12u4"),
		debian("W-40", in, "orders1", "12", "openssl", "libssl3", "3.0.9-1", "3.0.14-1~deb12u2"),
		debian("W-41", in, "orders1", "12", "glibc", "libc6", "2.36-9+deb12u1", "2.36-9+deb12u3"),
		debian("W-42", in, "orders2", "12", "openssl", "libssl3", "3.0.9-1", "3.0.14-1~deb12u2"),
		debian("W-43", in, "orders2", "12", "openssh", "openssh-server", "1:9.2p1-2", "1:9.2p1-2+deb12u3"),
		debian("W-44", in, "ledger", "11", "policykit-1", "policykit-1", "0.105-31", "0.105-31+deb11u1"),
		debian("W-45", in, "ledger", "11", "redis", "redis-server", "5:6.0.16-1+deb11u1", "5:6.0.16-1+deb11u2"),
		debian("W-46", in, "ledger", "11", "zlib", "zlib1g", "1:1.2.11.dfsg-2", "1:1.2.11.dfsg-2+deb11u2"),
		library("W-47", in, "orders2", "npm", "lodash", "4.17.15", "4.17.21", NPMLock, "npm install lodash@4.17.21"),
		library("W-48", in, "orders2", "npm", "minimist", "1.2.5", "1.2.6", NPMLock, "npm install minimist@1.2.6"),
		library("W-49", in, "orders2", "npm", "axios", "0.21.1", "0.21.2", NPMLock, "npm install axios@0.21.2"),
		malware,
		library("W-51", in, "reports", "PyPI", "jinja2", "2.11.2", "2.11.3", Requirements, "pip install Jinja2==2.11.3"),
		library("W-52", in, "reports", "PyPI", "pyyaml", "5.3.1", "5.4", Requirements, "pip install PyYAML==5.4"),
		library("W-53", in, "reports", "PyPI", "requests", "2.25.1", "2.31.0", Requirements, "pip install requests==2.31.0"),
		library("W-54", in, "reports", "PyPI", "urllib3", "1.26.4", "1.26.18", Requirements, "pip install urllib3==1.26.18"),
		library("W-55", in, "gateway", "Go", "github.com/golang-jwt/jwt/v4", "4.5.0", "4.5.2", GoMod, "go get github.com/golang-jwt/jwt/v4@v4.5.2"),
		library("W-56", in, "gateway", "Go", "github.com/gin-gonic/gin", "1.9.0", "1.9.1", GoMod, "go get github.com/gin-gonic/gin@v1.9.1"),
		debian("W-57", mgt, "backup", "12", "rsync", "rsync", "3.2.7-1", "3.2.7-1+deb12u1"),
		debian("W-58", mgt, "bastion", "12", "sudo", "sudo", "1.9.13p3-1+deb12u1", "1.9.13p3-1+deb12u2"),
		debian("W-91", in, "reports", "12", "libwebp", "libwebp7", "1.2.4-0.2", "1.2.4-0.2+deb12u1"),
		file("W-59", gyre.Misconfiguration, "bastion", "permit-root", "/etc/ssh/sshd_config",
			"The bastion lets root in over SSH", "Set PermitRootLogin no and reload sshd.", "sshd.permit-root-login"),
		file("W-60", gyre.Misconfiguration, "bastion", "password-login", "/etc/ssh/sshd_config",
			"The bastion takes passwords over SSH", "Set PasswordAuthentication no and reload sshd.", "sshd.password-authentication"),
		file("W-61", gyre.Misconfiguration, "bastion", "nopasswd", "/etc/sudoers",
			"The deploy account becomes root without a password", "Remove NOPASSWD: ALL from the rule of deploy.", "sudo.nopasswd"),
		file("W-62", gyre.Misconfiguration, "backup", "shadow-readable", "/etc/shadow",
			"Everyone on the backup host may read the password hashes", "chown root:shadow /etc/shadow; chmod 0640 /etc/shadow", "file.shadow-readable"),
		file("W-63", gyre.Secret, "backup", "private-key", BackupKey,
			"A private key without a passphrase lies in the backup folder", "Remove the key, revoke it, and issue a new one from a secret store.", "secret.*"),
		file("W-64", gyre.Misconfiguration, "backup", "weak-ciphers", "/etc/ssh/sshd_config",
			"The backup host offers CBC ciphers over SSH", "Remove the CBC ciphers from Ciphers and reload sshd.", "sshd.weak-ciphers"),
	}
}
