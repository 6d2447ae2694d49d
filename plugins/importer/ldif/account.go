// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package ldif

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin/document"
)

// Flags of userAccountControl (MS-ADTS, section 2.2.16).
const (
	accountDisabled      = 0x2
	passwordNotRequired  = 0x20
	passwordNeverExpires = 0x10000
	trustedForDelegation = 0x80000
	preauthNotRequired   = 0x400000
)

const maxListed = 200 // groups and service names in one fact

// primaryGroups are the groups that memberOf leaves out because they are an
// account's primary group.
var primaryGroups = map[string]string{
	"512": "Domain Admins", "513": "Domain Users", "514": "Domain Guests", "515": "Domain Computers", "516": "Domain Controllers",
}

// account is the second reading: users and computers.
func (e *export) account(rec *record) error {
	if !rec.is("user") && !rec.is("computer") && !rec.is("inetOrgPerson") && !rec.is("posixAccount") {
		return nil
	}
	name := nameOf(rec)
	if name == "" {
		e.problem(rec.line, "an account without a name")
		return nil
	}
	e.in.Progress(e.count, 0, name)
	ref := gyre.Ref("account" + strconv.Itoa(e.count))
	a := gyre.AssetSighting{
		Ref: ref, Kind: gyre.Identity, Name: name, Zone: e.in.Zone, Identifiers: []gyre.Identifier{identifier(rec)},
		Attributes: map[string]string{"type": "user", "dn": document.Line(rec.dn, 500)},
	}
	if rec.is("computer") {
		a.Attributes["type"] = "computer"
	}
	if sid := sidText(rec.first("objectsid")); sid != "" {
		a.Attributes["sid"] = sid
	}
	if err := e.out.Asset(a); err != nil {
		return err
	}

	data := map[string]any{"name": name, "dn": document.Line(rec.dn, 500)}
	if err := e.memberships(rec, ref, data); err != nil {
		return err
	}
	flags(rec, data)
	var names []any
	for _, s := range rec.values["serviceprincipalname"] {
		if len(names) < maxListed {
			names = append(names, document.Line(s, 300))
		}
	}
	if len(names) > 0 {
		data["service_principal_names"] = names
	}
	seen := max(filetime(rec, "lastlogontimestamp"), filetime(rec, "lastlogon"))
	for key, t := range map[string]int64{"last_logon": seen, "password_last_set": filetime(rec, "pwdlastset")} {
		if t > 0 {
			data[key] = time.Unix(t, 0).UTC().Format(time.RFC3339)
		}
	}
	if rec.refers {
		e.problem(rec.line, "a value lies outside the file and was not fetched")
	}
	if err := e.out.Fact(gyre.Fact{Asset: ref, Aspect: gyre.AspectIdentity, Locus: "user/" + name, Credentialed: true, Data: data}); err != nil {
		return err
	}
	return e.out.Cover(gyre.Coverage{Asset: ref, Aspect: gyre.AspectIdentity, Credentialed: true})
}

func flags(rec *record, data map[string]any) {
	uac, ok := rec.number("useraccountcontrol")
	if !ok {
		return
	}
	data["enabled"] = uac&accountDisabled == 0
	data["password_never_expires"] = uac&passwordNeverExpires != 0
	data["password_not_required"] = uac&passwordNotRequired != 0
	data["preauth_required"] = uac&preauthNotRequired == 0
	data["unconstrained_delegation"] = uac&trustedForDelegation != 0
}

// memberships emits what the account is a member of, and whether that makes it privileged.
func (e *export) memberships(rec *record, ref gyre.Ref, data map[string]any) error {
	var names []any
	privileged := false
	add := func(name string) {
		if len(names) < maxListed && name != "" && !slices.Contains(names, any(name)) {
			names = append(names, name)
		}
	}
	direct := rec.values["memberof"]
	for _, dn := range direct {
		lower := strings.ToLower(dn)
		add(document.Line(commonName(dn), 200))
		privileged = privileged || privilegedNames[strings.ToLower(commonName(dn))]
		if g := e.groups[lower]; g != nil {
			privileged = privileged || g.privileged
			if err := e.out.Relation(gyre.RelationSighting{From: ref, To: g.ref, Type: gyre.MemberOf}); err != nil {
				return err
			}
		}
	}
	if primary := rec.first("primarygroupid"); primary != "" {
		add(primaryGroups[primary])
		privileged = privileged || privilegedRIDs[primary] != ""
		if g := e.groups[e.byRID[primary]]; g != nil {
			privileged = privileged || g.privileged
			if err := e.out.Relation(gyre.RelationSighting{From: ref, To: g.ref, Type: gyre.MemberOf}); err != nil {
				return err
			}
		}
	}
	if len(names) > 0 {
		data["groups"] = names
	}
	// Without memberships in the export nobody can be said not to be privileged.
	if e.memberOf || privileged {
		data["privileged"] = privileged
	}
	return nil
}

func nameOf(rec *record) string {
	for _, attribute := range []string{"samaccountname", "uid", "cn", "name"} {
		if v := document.Line(rec.first(attribute), 200); v != "" {
			return v
		}
	}
	return document.Line(commonName(rec.dn), 200)
}

// commonName is the value of the first part of a distinguished name, with its escapes undone
// (RFC 4514).
func commonName(dn string) string {
	_, value, ok := strings.Cut(dn, "=")
	if !ok {
		return dn
	}
	var b strings.Builder
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c == ',' || c == '+':
			return b.String()
		case c == '\\' && i+2 < len(value) && isHex(value[i+1]) && isHex(value[i+2]):
			n, err := strconv.ParseUint(value[i+1:i+3], 16, 8)
			if err == nil {
				b.WriteByte(byte(n))
			}
			i += 2
		case c == '\\' && i+1 < len(value):
			i++
			b.WriteByte(value[i])
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// identifier is the strongest key that the record has: object GUID, SID, else its
// distinguished name.
func identifier(rec *record) gyre.Identifier {
	if g := guidText(rec.first("objectguid")); g != "" {
		return gyre.Identifier{Type: gyre.IDDirectory, Value: g}
	}
	if s := sidText(rec.first("objectsid")); s != "" {
		return gyre.Identifier{Type: gyre.IDDirectory, Value: strings.ToLower(s)}
	}
	dn := strings.TrimRight(strings.ToLower(document.Line(rec.dn, 1000)), ".")
	return gyre.Identifier{Type: gyre.IDURI, Value: "ldap:" + dn}
}

// guidText is the text form of a GUID, whose first three parts are little-endian
// (MS-DTYP, section 2.3.4).
func guidText(raw string) string {
	if len(raw) != 16 {
		return ""
	}
	b := []byte(raw)
	return fmt.Sprintf("%08x-%04x-%04x-%x-%x", binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint16(b[4:]), binary.LittleEndian.Uint16(b[6:]), b[8:10], b[10:])
}

// sidText is the text form of a SID (MS-DTYP, section 2.4.2); text stays as it is.
func sidText(raw string) string {
	if strings.HasPrefix(raw, "S-1-") && len(raw) < 200 && document.Line(raw, 200) == raw {
		return raw
	}
	if len(raw) < 8 || raw[0] != 1 || len(raw) != 8+4*int(raw[1]) {
		return ""
	}
	b := []byte(raw)
	authority := uint64(binary.BigEndian.Uint16(b[2:]))<<32 | uint64(binary.BigEndian.Uint32(b[4:]))
	s := fmt.Sprintf("S-1-%d", authority)
	for i := 8; i < len(b); i += 4 {
		s += fmt.Sprintf("-%d", binary.LittleEndian.Uint32(b[i:]))
	}
	return s
}

// ridOf is the last part of a domain's or the builtin domain's SID.
func ridOf(sid string) string {
	if !strings.HasPrefix(sid, "S-1-5-21-") && !strings.HasPrefix(sid, "S-1-5-32-") {
		return ""
	}
	return sid[strings.LastIndexByte(sid, '-')+1:]
}

// filetime is a FILETIME attribute (100 ns since 1601, MS-DTYP section 2.3.3) in Unix
// seconds; 0 when it is not set or means "never".
func filetime(rec *record, attribute string) int64 {
	const fromEpoch = 11644473600
	n, ok := rec.number(attribute)
	if !ok || n <= 0 || n == 1<<63-1 {
		return 0
	}
	s := n/10_000_000 - fromEpoch
	if s <= 0 || s > 4102444800 { // the year 2100: not a time
		return 0
	}
	return s
}
