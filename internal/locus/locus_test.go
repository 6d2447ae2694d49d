// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package locus_test

import (
	"testing"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/locus"
)

// TestNormal: places as real tools write them, and how people read them here.
func TestNormal(t *testing.T) {
	for _, c := range []struct {
		aspect   gyre.Aspect
		in, want string
	}{
		{gyre.AspectService, "TCP/0443", "tcp/443"},
		{gyre.AspectService, "443/tcp", "tcp/443"},
		{gyre.AspectService, "tcp:8080", "tcp/8080"},
		{gyre.AspectService, "udp/0", "udp/0"},
		{gyre.AspectService, "host", "host"},
		{gyre.AspectHTTP, "tcp/8443/a/../admin?b=2&a=1&b=3", "tcp/8443/admin?a&b"},
		{gyre.AspectHTTP, "tcp/8443/admin/", "tcp/8443/admin/"},
		{gyre.AspectHTTP, "HTTPS://User:Pass@Shop.Example.COM:443/%7euser/./cart?id=7;sort=asc#id", "https://shop.example.com/~user/cart?id&sort#id"},
		{gyre.AspectHTTP, "http://[2001:DB8::1]:8080", "http://[2001:db8::1]:8080/"},
		{gyre.AspectHTTP, "https://juice.example/#/login", "https://juice.example/#/login"},
		{gyre.AspectHTTP, "http://host/%2e%2e/x%2fy", "http://host/x%2Fy"},
		{gyre.AspectPackage, "/var/lib/dpkg/status#openssl", "/var/lib/dpkg/status#openssl"},
		{gyre.AspectPackage, "./app//package-lock.json#@scope/left-pad", "app/package-lock.json#@scope/left-pad"},
		{gyre.AspectPackage, "#left-pad", "#left-pad"},
		{gyre.AspectCode, `src\main\App.java:17`, "src/main/App.java:17"},
		{gyre.AspectCode, "/C:/code/file4.c:3", "C:/code/file4.c:3"},
		{gyre.AspectCode, "file:///home/x/./a.py:1", "/home/x/a.py:1"},
		{gyre.AspectCode, "Example.Worker.DoWork", "Example.Worker.DoWork"},
		{gyre.AspectSecret, "a/b/.env:2", "a/b/.env:2"},
		{gyre.AspectIaC, "./main.tf#aws_s3_bucket.logs", "main.tf#aws_s3_bucket.logs"},
		{gyre.AspectIdentity, "user/Svc-Backup", "user/Svc-Backup"},
		{gyre.AspectDNS, "dns/MX", "dns/MX"},
		{gyre.AspectHost, "", ""},
	} {
		if got := locus.Normal(c.aspect, c.in); got != c.want {
			t.Errorf("%s %q: %q, want %q", c.aspect, c.in, got, c.want)
		}
	}
}

// TestKey: what makes a place one, as seen by two tools.
func TestKey(t *testing.T) {
	for _, c := range []struct {
		aspect   gyre.Aspect
		in       string
		hint     locus.Hint
		want     string
		vague    bool
		otherwas string
	}{
		// Tools that see one package in the database of the system, whatever they say of it.
		{gyre.AspectPackage, "/var/lib/dpkg/status#openssl", locus.Hint{Ecosystem: "Debian:12"}, "dpkg#openssl", false, "host inventory"},
		{gyre.AspectPackage, "/var/lib/dpkg/status.d/openssl#OpenSSL", locus.Hint{}, "dpkg#openssl", false, "distroless image"},
		{gyre.AspectPackage, "/srv/chroot/var/lib/dpkg/status#openssl", locus.Hint{Ecosystem: "Debian:12"}, "srv/chroot/var/lib/dpkg/status#openssl", false, "another system"},
		{gyre.AspectPackage, "sbom#openssl", locus.Hint{Ecosystem: "Debian:12"}, "dpkg#openssl", false, "CycloneDX with purl"},
		{gyre.AspectPackage, "pkg:deb/debian/openssl@3.0.11-1~deb12u2?arch=amd64", locus.Hint{}, "dpkg#openssl", false, "purl"},
		{gyre.AspectPackage, "var/lib/rpm/Packages#bash", locus.Hint{Ecosystem: "Red Hat"}, "rpm#bash", false, ""},
		{gyre.AspectPackage, "lib/apk/db/installed#musl", locus.Hint{}, "apk#musl", false, ""},
		// Packages of a language lie in files; some tools do not know which.
		{gyre.AspectPackage, "/app/package-lock.json#lodash", locus.Hint{Ecosystem: "npm"}, "app/package-lock.json#lodash", false, ""},
		{gyre.AspectPackage, "app/package-lock.json#lodash@4.17.20", locus.Hint{}, "app/package-lock.json#lodash", false, ""},
		{gyre.AspectPackage, "app/package-lock.json#@scope/x", locus.Hint{}, "app/package-lock.json#@scope/x", false, ""},
		{gyre.AspectPackage, "sbom#Django", locus.Hint{}, "#django", true, "grype"},
		{gyre.AspectPackage, "sbom#typing_extensions", locus.Hint{Ecosystem: "PyPI"}, "#typing-extensions", true, ""},
		{gyre.AspectPackage, "sbom#org.apache.logging.log4j:log4j-core", locus.Hint{Ecosystem: "Maven"}, "#log4j-core", true, "jake"},
		{gyre.AspectPackage, "sbom#log4j-core", locus.Hint{}, "#log4j-core", true, "grype"},
		{gyre.AspectPackage, "npm/example-frontend-lib@1.0.0", locus.Hint{}, "#npm/example-frontend-lib", true, "Black Duck"},
		{gyre.AspectPackage, "lib/geronimo-javamail_1.4_mail-1.8.4.jar", locus.Hint{}, "lib/geronimo-javamail_1.4_mail-1.8.4.jar", false, "dependency-check"},

		{gyre.AspectCode, "src/main.go:17", locus.Hint{}, "src/main.go:17", false, ""},
		{gyre.AspectCode, "/src/main.go:17", locus.Hint{}, "src/main.go:17", false, ""},
		{gyre.AspectIdentity, "user/Svc-Backup", locus.Hint{}, "user/svc-backup", false, ""},
		{gyre.AspectCloud, "/subscriptions/AB/resourceGroups/Prod", locus.Hint{}, "/subscriptions/ab/resourcegroups/prod", false, ""},
		{gyre.AspectCloud, "arn:aws:s3:::Logs", locus.Hint{}, "arn:aws:s3:::Logs", false, ""},
		{gyre.AspectService, "tcp/443", locus.Hint{}, "tcp/443", false, ""},
	} {
		p := locus.Of(c.aspect, locus.Normal(c.aspect, c.in), c.hint)
		if p.Key != c.want || p.Vague != c.vague {
			t.Errorf("%s %q: key %q, vague %v; want %q, %v", c.aspect, c.in, p.Key, p.Vague, c.want, c.vague)
		}
	}
}

// TestCodeMoves: a fingerprint keeps the key when the line moves, and tells
// files and fingerprints apart.
func TestCodeMoves(t *testing.T) {
	of := func(where, print string) string {
		return locus.Of(gyre.AspectCode, locus.Normal(gyre.AspectCode, where), locus.Hint{Fingerprint: print}).Key
	}
	if a, b := of("src/a.go:3", "x"), of("/src/a.go:300", "x"); a != b {
		t.Errorf("%q and %q differ", a, b)
	}
	if a, b := of("src/a.go:3", "x"), of("src/b.go:3", "x"); a == b {
		t.Errorf("two files have the key %q", a)
	}
	if a, b := of("src/a.go:3", "x"), of("src/a.go:3", "y"); a == b {
		t.Errorf("two fingerprints have the key %q", a)
	}
}

// TestWeaker: what is known by less is found again by who knows more.
func TestWeaker(t *testing.T) {
	vague := locus.Of(gyre.AspectPackage, "sbom#Django", locus.Hint{})
	exact := locus.Of(gyre.AspectPackage, "app/requirements.txt#django", locus.Hint{Ecosystem: "PyPI"})
	if len(exact.Weaker) == 0 || exact.Weaker[0] != vague.Key {
		t.Errorf("%q does not lead to %q", exact.Weaker, vague.Key)
	}
	if !locus.SameThing(vague.Key, exact.Key) || locus.SameThing(vague.Key, "app/x#not-django") || locus.SameThing(exact.Key, exact.Key) {
		t.Errorf("%q and %q", vague.Key, exact.Key)
	}
}

var aspects = []gyre.Aspect{
	gyre.AspectHost, gyre.AspectService, gyre.AspectTLS, gyre.AspectHTTP, gyre.AspectDNS, gyre.AspectFile, gyre.AspectPackage,
	gyre.AspectCode, gyre.AspectSecret, gyre.AspectSocket, gyre.AspectIdentity, gyre.AspectCloud, gyre.AspectIaC,
}

// FuzzNormal: the normal form of a normal form is itself, with the same key.
func FuzzNormal(f *testing.F) {
	for _, s := range []string{
		"tcp/0443", "443/TCP", "tcp/1/../x?b=1&a#f", "https://a:443//x/%41%2f?q=1#p", "HTTP://[::1]:80", "a\\b\\..\\c:3", "/./C:/x", "file://file:///x",
		"x#y@1", "pkg:npm/%40a/b@1?x#y", " a : 7", "#", "a#", "http://u:p@h%20/", "http://h:080/", "//x", "c:", "./", "https://h/?=&;",
	} {
		f.Add(s, "Debian:12")
	}
	f.Fuzz(func(t *testing.T, s, ecosystem string) {
		for _, a := range aspects {
			once := locus.Normal(a, s)
			if twice := locus.Normal(a, once); twice != once {
				t.Errorf("%s %q: %q, then %q", a, s, once, twice)
			}
			h := locus.Hint{Ecosystem: ecosystem}
			if p, q := locus.Of(a, once, h), locus.Of(a, locus.Normal(a, once), h); p.Key != q.Key {
				t.Errorf("%s %q: key %q, then %q", a, s, p.Key, q.Key)
			}
			locus.NormalPattern(a, s+"*")
		}
	})
}
