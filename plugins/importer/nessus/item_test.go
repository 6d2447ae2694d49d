// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package nessus

import (
	"regexp"
	"testing"
)

func TestLeftOut(t *testing.T) {
	for _, s := range []string{
		"", "Path : /usr/lib/x", "Password: hunter2", "the PassWord = x\nnext", "Community string: public", "community name : private", "secrets: none", "secret = s3cr3t", "pass", "pa\u017f\u017fword: x",
		"compass : north", "passphrase for the key: abc def",
	} {
		if got, want := leftOut(s), secretLine.ReplaceAllString(s, "${1}(left out)"); got != want {
			t.Errorf("%q: %q, not %q", s, got, want)
		}
	}
}

func TestIsCVE(t *testing.T) {
	pattern := regexp.MustCompile(`^CVE-\d{4}-\d{4,10}$`)
	for _, s := range []string{"", "CVE-", "CVE-2024-123", "CVE-2024-1234", "CVE-2024-1234567890", "CVE-2024-12345678901", "cve-2024-1234", "CVE-2024_1234", "CVE-20241234", "CVE-2024-12a4", "CVE-2024-1234 ", "CVE-2024-१२३४", "XCVE-2024-1234"} {
		if got := isCVE(s); got != pattern.MatchString(s) {
			t.Errorf("%q: %v", s, got)
		}
	}
}
