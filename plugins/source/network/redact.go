// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"regexp"
	"strings"
)

// A fact is kept, shown and exported; what a site gives away by mistake must not
// spread from there.

// secretName is how the names of fields that hold secrets look.
const secretName = `(?:passw(?:or)?d|passwd|pwd|secret|token|credentials?|authorization|private[_-]?key|api[_-]?key|access[_-]?key|session[_-]?id|connection[_-]?string)` // #nosec G101 -- a pattern of names, no credential

var (
	secretHeader = regexp.MustCompile(`(?i)` + secretName + `|^cookie$`)
	// name = value, name: value, "name": "value", ?name=value; name may have more
	// around it, as in DB_PASSWORD_FILE.
	secretPair  = regexp.MustCompile(`(?i)([\w.-]*` + secretName + `[\w.-]*["']?[ \t]*[=:][ \t]*)("[^"\n]*"|'[^'\n]*'|(?:(?:bearer|basic|digest)[ \t]+)?[^\s"'&;,<>]+)`)
	secretValue = regexp.MustCompile(`(?i)\b(bearer|basic)[ \t]+[A-Za-z0-9+/_.=~-]{8,}`)
	userInfo    = regexp.MustCompile(`(://[^\s/:@]*:)[^\s/@]+@`)
	privateKey  = regexp.MustCompile(`(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\z)`)
)

const notKept = "(not kept)"

// withoutSecrets keeps the names and drops the values.
func withoutSecrets(s string) string {
	s = privateKey.ReplaceAllString(s, "-----PRIVATE KEY "+notKept+"-----")
	s = secretPair.ReplaceAllString(s, "${1}"+notKept)
	s = secretValue.ReplaceAllString(s, "${1} "+notKept)
	return userInfo.ReplaceAllString(s, "${1}"+notKept+"@")
}

// sample is the beginning of a page as a fact may hold it: of an environment
// file only the names, of anything else what does not look like a secret.
func sample(g *page) string {
	if names := variables(g); len(names) > 0 {
		return printable([]byte(strings.Join(names, "\n")), 2048)
	}
	const wide = 4096 // so that no value is cut in two before it is recognised
	return printable([]byte(withoutSecrets(printable(g.body, wide))), 2048)
}
