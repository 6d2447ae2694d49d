// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package files

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// userAccountControl flags (MS-ADTS, section 2.2.16).
const (
	uacDisabled         = 0x2
	uacNoPassword       = 0x20
	uacNormal           = 0x200
	uacWorkstation      = 0x1000
	uacNeverExpires     = 0x10000
	uacTrustedForAll    = 0x80000
	uacNoPreauth        = 0x400000
	directoryBase       = "DC=corp,DC=example"
	windowsEpochSeconds = 11644473600 // from 1601 to 1970
)

type principal struct {
	name     string // sAMAccountName
	uac      int
	groups   []string
	spn      []string
	seen     int // days since the last sign-in
	computer bool
	built    bool // lives in CN=Users
}

// directory is an export of Active Directory as ldifde writes it.
func (e Estate) directory() string {
	flag := func(what string, uac int) int {
		if e.has("directory." + what) {
			return uac
		}
		return 0
	}
	domainAdmins := "CN=Domain Admins,CN=Users," + directoryBase
	former := principal{name: "adm-former", uac: uacNormal, groups: []string{domainAdmins}, seen: 412}
	if !e.has("directory.stale-privileged") {
		former.uac, former.groups = uacNormal|uacDisabled, nil
	}
	sql := principal{name: "svc-sql", uac: uacNormal, seen: 1}
	if e.has("directory.kerberoastable") {
		sql.spn = []string{"MSSQLSvc/sql1.corp.example:1433"}
	}
	people := []principal{
		{name: "adm-first", uac: uacNormal, groups: []string{domainAdmins}, seen: 1},
		{name: "adm-second", uac: uacNormal, groups: []string{domainAdmins}, seen: 3},
		former,
		{name: "svc-backup", uac: uacNormal | flag("password-never-expires", uacNeverExpires), seen: 1},
		{name: "svc-legacy", uac: uacNormal | flag("preauth-not-required", uacNoPreauth), seen: 2},
		sql,
		{name: "kiosk", uac: uacNormal | flag("password-not-required", uacNoPassword), seen: 4},
		{name: "clerk-a", uac: uacNormal, seen: 1},
		{name: "clerk-b", uac: uacNormal, seen: 2},
		{name: "krbtgt", uac: uacNormal | uacDisabled, spn: []string{"kadmin/changepw"}, seen: -1, built: true},
		{name: "desk07$", uac: uacWorkstation, spn: []string{"HOST/desk07.corp.example"}, seen: 1, computer: true},
		{name: "print01$", uac: uacWorkstation | flag("unconstrained-delegation", uacTrustedForAll), spn: []string{"HOST/print01.corp.example"}, seen: 1, computer: true},
	}
	var b strings.Builder
	b.WriteString("version: 1\n\ndn: " + directoryBase + "\nchangetype: add\nobjectClass: top\nobjectClass: domain\nobjectClass: domainDNS\ndistinguishedName: " +
		directoryBase + "\nname: corp\nobjectSid:: " + sid(0) + "\n")
	fmt.Fprintf(&b, "\ndn: %[1]s\nchangetype: add\nobjectClass: top\nobjectClass: group\ncn: Domain Admins\ndistinguishedName: %[1]s\nsAMAccountName: Domain Admins\nadminCount: 1\nobjectSid:: %[2]s\nobjectGUID:: %[3]s\n",
		domainAdmins, sid(512), guid("Domain Admins"))
	for _, p := range people {
		for _, g := range p.groups {
			if g == domainAdmins {
				fmt.Fprintf(&b, "member: %s\n", p.dn())
			}
		}
	}
	for i, p := range people {
		e.principal(&b, p, 1100+i)
	}
	return b.String()
}

func (p principal) dn() string {
	cn := strings.TrimSuffix(p.name, "$")
	switch {
	case p.built:
		return "CN=" + cn + ",CN=Users," + directoryBase
	case p.computer:
		return "CN=" + cn + ",CN=Computers," + directoryBase
	}
	return "CN=" + cn + ",OU=Accounts," + directoryBase
}

func (e Estate) principal(b *strings.Builder, p principal, rid int) {
	fmt.Fprintf(b, "\ndn: %s\nchangetype: add\nobjectClass: top\nobjectClass: person\nobjectClass: organizationalPerson\nobjectClass: user\n", p.dn())
	group := 513
	if p.computer {
		b.WriteString("objectClass: computer\n")
		group = 515
	}
	fmt.Fprintf(b, "cn: %s\ndistinguishedName: %s\nsAMAccountName: %s\nuserAccountControl: %d\nprimaryGroupID: %d\nobjectSid:: %s\nobjectGUID:: %s\n",
		strings.TrimSuffix(p.name, "$"), p.dn(), p.name, p.uac, group, sid(rid), guid(p.name))
	if !p.computer {
		fmt.Fprintf(b, "userPrincipalName: %s@corp.example\n", p.name)
	}
	fmt.Fprintf(b, "pwdLastSet: %d\n", filetime(e.Now.AddDate(0, 0, -40)))
	fmt.Fprintf(b, "whenCreated: %s\n", e.Now.AddDate(-4, 0, 0).UTC().Format("20060102150405.0Z"))
	if p.seen >= 0 {
		fmt.Fprintf(b, "lastLogonTimestamp: %d\n", filetime(e.Now.AddDate(0, 0, -p.seen)))
	}
	for _, s := range p.spn {
		fmt.Fprintf(b, "servicePrincipalName: %s\n", s)
	}
	for _, g := range p.groups {
		fmt.Fprintf(b, "memberOf: %s\n", g)
	}
	if len(p.groups) > 0 {
		b.WriteString("adminCount: 1\n")
	}
}

// filetime counts 100 ns since 1601 (MS-DTYP, section 2.3.3).
func filetime(t time.Time) int64 { return (t.Unix() + windowsEpochSeconds) * 10_000_000 }

// sid is the binary form of S-1-5-21-…-rid (MS-DTYP, section 2.4.2.2), in
// base64; rid 0 is the domain itself.
func sid(rid int) string {
	sub := []uint32{21, 1004336348, 1177238915, 682003330}
	if rid > 0 {
		sub = append(sub, uint32(rid)) // #nosec G115 -- small
	}
	out := []byte{1, byte(len(sub)), 0, 0, 0, 0, 0, 5} // #nosec G115 -- four or five
	for _, s := range sub {
		out = binary.LittleEndian.AppendUint32(out, s)
	}
	return base64.StdEncoding.EncodeToString(out)
}

func guid(name string) string {
	sum := sha256.Sum256([]byte("practice estate directory " + name))
	return base64.StdEncoding.EncodeToString(sum[:16])
}
