// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package ldif

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
	"github.com/gyre-ctem/gyre/plugin/plugintest"
)

func TestContract(t *testing.T) { plugintest.TestImporter(t, Importer{}, "testdata") }

func FuzzImport(f *testing.F) { plugintest.Fuzz(f, Importer{}, "testdata") }

func data(t *testing.T, text string) map[string]any {
	t.Helper()
	c, _, err := plugintest.Import(t.Context(), Importer{}, plugin.Input{Name: "x.ldif", Reader: strings.NewReader(text)})
	if err != nil {
		t.Fatal(err)
	}
	c.Check(t)
	if len(c.Facts) != 1 {
		t.Fatalf("%d facts", len(c.Facts))
	}
	return c.Facts[0].Data
}

func TestFlags(t *testing.T) {
	for uac, want := range map[int]string{
		0x200:   "map[dn:CN=a enabled:true name:a password_never_expires:false password_not_required:false preauth_required:true unconstrained_delegation:false]",
		0x202:   "map[dn:CN=a enabled:false name:a password_never_expires:false password_not_required:false preauth_required:true unconstrained_delegation:false]",
		0x10220: "map[dn:CN=a enabled:true name:a password_never_expires:true password_not_required:true preauth_required:true unconstrained_delegation:false]",
	} {
		got := fmt.Sprint(data(t, fmt.Sprintf("dn: CN=a\nobjectClass: user\nsAMAccountName: a\nuserAccountControl: %d\n", uac)))
		if got != want {
			t.Errorf("%#x: %s, want %s", uac, got, want)
		}
	}
	d := data(t, "dn: CN=a\nobjectClass: user\nuserAccountControl: 4718592\n")
	if d["preauth_required"] != false || d["unconstrained_delegation"] != true {
		t.Errorf("%v", d)
	}
}

// What an export does not say must be absent, not false.
func TestUnknownIsAbsent(t *testing.T) {
	d := data(t, "dn: CN=a\nobjectClass: user\nsAMAccountName: a\n")
	for _, key := range []string{"enabled", "privileged", "last_logon", "password_last_set", "preauth_required", "groups"} {
		if v, ok := d[key]; ok {
			t.Errorf("%s is %v", key, v)
		}
	}
}

func TestPrivilegedThroughNestedGroups(t *testing.T) {
	const accounts = "dn: CN=a,DC=x\nobjectClass: user\nsAMAccountName: a\nmemberOf: CN=Inner,DC=x\n"
	group := func(name, rest string) string {
		return "\ndn: CN=" + name + ",DC=x\nobjectClass: group\ncn: " + name + "\n" + rest
	}
	for name, tc := range map[string]struct {
		groups string
		want   bool
	}{
		"through two groups":   {group("Inner", "memberOf: CN=Outer,DC=x\n") + group("Outer", "memberOf: CN=Domain Admins,CN=Users,DC=x\n"), true},
		"by relative id":       {group("Inner", "objectSid: S-1-5-21-1-2-3-512\n"), true},
		"an ordinary group":    {group("Inner", ""), false},
		"groups in a circle":   {group("Inner", "memberOf: CN=Outer,DC=x\n") + group("Outer", "memberOf: CN=Inner,DC=x\n"), false},
		"another domain's 512": {group("Inner", "objectSid: S-1-5-80-512\n"), false},
	} {
		if got := data(t, accounts+tc.groups)["privileged"]; got != tc.want {
			t.Errorf("%s: privileged is %v", name, got)
		}
	}
}

func TestCutShortIsPartial(t *testing.T) {
	_, report, err := plugintest.Import(t.Context(), Importer{}, plugin.Input{Name: "x", Reader: strings.NewReader("dn: CN=a\nobjectClass: user\nsAMAcc")})
	if err == nil && len(report.Problems) == 0 {
		t.Error("a file without an end is taken as complete")
	}
	_, report, err = plugintest.Import(t.Context(), Importer{}, plugin.Input{Name: "x", Reader: strings.NewReader("dn: CN=a\nobjectClass: user\nsAMAccountName: ab")})
	if err != nil || len(report.Problems) == 0 {
		t.Errorf("%v, problems %v", err, report.Problems)
	}
}

func TestHostile(t *testing.T) {
	for _, text := range []string{
		"", "\n\n# nothing\n", "cn: a\n", "dn: CN=a\nno colon here\n", "dn: CN=a\nx:: %%%\n", "dn: CN=a\nx: " + strings.Repeat("y", 5<<20) + "\n",
		"dn: CN=a\n" + strings.Repeat("x: y\n", maxValues+1), "dn: CN=a\nx: y\n" + strings.Repeat(" "+strings.Repeat("z", 1<<20)+"\n", 9),
		"\xff\xfed\x00n\x00",
	} {
		_, _, err := plugintest.Import(t.Context(), Importer{}, plugin.Input{Name: "x", Reader: strings.NewReader(text)})
		if code := gyre.ErrorCode(err); code != gyre.Invalid && code != gyre.TooLarge {
			t.Errorf("%.40q: %v", text, err)
		}
	}
}
