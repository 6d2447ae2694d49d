// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package network

import "testing"

func TestSecretsAreNotKept(t *testing.T) {
	for in, want := range map[string]string{
		"DB_PASSWORD=hunter22 x":                      "DB_PASSWORD=(not kept) x",
		`{"api_key": "hunter22", "b": 1}`:             `{"api_key": (not kept), "b": 1}`,
		"go to /cb?access_token=hunter22&state=1":     "go to /cb?access_token=(not kept)&state=1",
		"Authorization: Bearer hunter22":              "Authorization: (not kept)",
		"send Bearer hunter22hunter22 here":           "send Bearer (not kept) here",
		"postgres://app:hunter22@db/app":              "postgres://app:(not kept)@db/app",
		"-----BEGIN RSA PRIVATE KEY-----\nhunter22":   "-----PRIVATE KEY (not kept)-----",
		"<p>Forgot your password?</p> <b>token</b>":   "<p>Forgot your password?</p> <b>token</b>",
		"<input type=\"password\" name=\"password\">": "<input type=\"password\" name=\"password\">",
		"Basic realm=\"printer\"":                     "Basic realm=\"printer\"",
		"default-src 'self'; connect-src https://a:8": "default-src 'self'; connect-src https://a:8",
	} {
		if got := withoutSecrets(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}
