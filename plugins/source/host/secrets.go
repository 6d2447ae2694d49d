// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/google/osv-scalibr/veles"
	"github.com/google/osv-scalibr/veles/secrets/anthropicapikey"
	"github.com/google/osv-scalibr/veles/secrets/awsaccesskey"
	"github.com/google/osv-scalibr/veles/secrets/azurestorageaccountaccesskey"
	"github.com/google/osv-scalibr/veles/secrets/digitaloceanapikey"
	"github.com/google/osv-scalibr/veles/secrets/dockerhubpat"
	"github.com/google/osv-scalibr/veles/secrets/gcpapikey"
	"github.com/google/osv-scalibr/veles/secrets/gcpsak"
	"github.com/google/osv-scalibr/veles/secrets/github"
	"github.com/google/osv-scalibr/veles/secrets/gitlabpat"
	"github.com/google/osv-scalibr/veles/secrets/huggingfaceapikey"
	"github.com/google/osv-scalibr/veles/secrets/npmjsaccesstoken"
	"github.com/google/osv-scalibr/veles/secrets/openai"
	"github.com/google/osv-scalibr/veles/secrets/privatekey"
	"github.com/google/osv-scalibr/veles/secrets/pypiapitoken"
	"github.com/google/osv-scalibr/veles/secrets/sendgrid"
	"github.com/google/osv-scalibr/veles/secrets/slacktoken"
	"github.com/google/osv-scalibr/veles/secrets/stripeapikeys"
	"github.com/google/osv-scalibr/veles/secrets/telegrambotapitoken"
	"github.com/gyre-ctem/gyre"
)

// kind is a kind of secret. Detectors whose patterns also fit harmless text
// (bare tokens without a prefix, JWTs, URLs) are left out.
type kind struct {
	name, title string
	detectors   []veles.Detector
}

const privateKey = "private-key"

var kinds = []kind{
	{privateKey, "private key", []veles.Detector{privatekey.NewDetector()}},
	{"aws-access-key", "AWS access key", []veles.Detector{awsaccesskey.NewDetector()}},
	{"azure-storage-key", "Azure storage account key", []veles.Detector{azurestorageaccountaccesskey.NewDetector()}},
	{"gcp-service-account-key", "Google Cloud service account key", []veles.Detector{gcpsak.NewDetector()}},
	{"gcp-api-key", "Google API key", []veles.Detector{gcpapikey.NewDetector()}},
	{"github-token", "GitHub token", []veles.Detector{
		github.NewClassicPATDetector(), github.NewFineGrainedPATDetector(), github.NewOAuthTokenDetector(),
		github.NewAppS2STokenDetector(), github.NewAppU2SDetector(), github.NewAppRefreshTokenDetector(),
	}},
	{"gitlab-token", "GitLab token", []veles.Detector{gitlabpat.NewDetector()}},
	{"slack-token", "Slack token", []veles.Detector{
		slacktoken.NewAppLevelTokenDetector(), slacktoken.NewAppConfigAccessTokenDetector(), slacktoken.NewAppConfigRefreshTokenDetector(),
	}},
	{"stripe-key", "Stripe key", []veles.Detector{stripeapikeys.NewSecretKeyDetector(), stripeapikeys.NewRestrictedKeyDetector()}},
	{"anthropic-key", "Anthropic API key", []veles.Detector{anthropicapikey.NewDetector()}},
	{"openai-key", "OpenAI API key", []veles.Detector{openai.NewDetector()}},
	{"huggingface-token", "Hugging Face token", []veles.Detector{huggingfaceapikey.NewDetector()}},
	{"npm-token", "npm access token", []veles.Detector{npmjsaccesstoken.NewDetector()}},
	{"pypi-token", "PyPI token", []veles.Detector{pypiapitoken.NewDetector()}},
	{"dockerhub-token", "Docker Hub token", []veles.Detector{dockerhubpat.NewDetector()}},
	{"digitalocean-token", "DigitalOcean token", []veles.Detector{digitaloceanapikey.NewDetector()}},
	{"sendgrid-key", "SendGrid key", []veles.Detector{sendgrid.NewDetector()}},
	{"telegram-token", "Telegram bot token", []veles.Detector{telegrambotapitoken.NewDetector()}},
}

func (k kind) key() string { return "secret." + k.name }

func secretKeys() []string {
	keys := make([]string, 0, len(kinds))
	for _, k := range kinds {
		keys = append(keys, k.key())
	}
	return keys
}

// liveSecretRoots are where people and services keep files of their own; on
// this machine only those are searched.
var liveSecretRoots = []string{"etc", "home", "root", "opt", "srv", "var/www"}

// noSecrets are names of folders whose files hold examples, other people's
// code, or nothing that people wrote.
var noSecrets = map[string]bool{
	"doc": true, "docs": true, "test": true, "tests": true, "examples": true, "example": true, "samples": true,
	"site-packages": true, "dist-packages": true, "vendor": true, "locale": true, "ca-certificates": true,
	"certs":  true, // /etc/ssl/certs: public ones
	".pyenv": true, ".rbenv": true, ".nvm": true, ".sdkman": true, ".vscode-server": true, ".oh-my-zsh": true,
}

// textual are the extensions of files worth searching; files without one are too.
var textual = map[string]bool{
	"": true, ".cfg": true, ".conf": true, ".config": true, ".cnf": true, ".crt": true, ".cer": true, ".der": true,
	".env": true, ".ini": true, ".json": true, ".key": true, ".log": true, ".md": true, ".p8": true, ".pem": true,
	".php": true, ".properties": true, ".py": true, ".rb": true, ".rc": true, ".sh": true, ".sql": true, ".tf": true,
	".tfvars": true, ".toml": true, ".txt": true, ".xml": true, ".yaml": true, ".yml": true, ".js": true, ".ts": true,
	".bak": true, ".old": true, ".local": true, ".production": true, ".netrc": true, ".npmrc": true, ".pypirc": true,
}

// searchable says whether the file is one that a secret may lie in.
func searchable(rel string) bool {
	base := path.Base(rel)
	ext := strings.ToLower(path.Ext(base))
	if strings.HasPrefix(base, ".") && strings.Count(base, ".") == 1 {
		return true // .env, .npmrc, .bash_history
	}
	return textual[ext] || strings.HasPrefix(base, ".env.")
}

// search looks for secrets in one file.
func (r *run) search(ctx context.Context, rel string) ([]gyre.Finding, error) {
	f, info, err := r.openFile(rel)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	if info.Size() > maxSecretFile {
		return nil, errTooLarge
	}
	b, err := io.ReadAll(io.LimitReader(f, maxSecretFile))
	if err != nil {
		return nil, err
	}
	return r.secretsIn(ctx, rel, info.Mode(), b)
}

// secretsIn turns what the detectors find into findings, one of each kind and line.
func (r *run) secretsIn(ctx context.Context, rel string, mode fs.FileMode, b []byte) (list []gyre.Finding, err error) {
	defer func() {
		if p := recover(); p != nil {
			list, err = nil, fmt.Errorf("secret detector panicked: %v", p)
		}
	}()
	if len(b) == 0 || !looksTextual(b) {
		return nil, nil
	}
	for _, k := range kinds {
		seen := map[string]bool{}
		for _, d := range k.detectors {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			secrets, offsets := d.Detect(b)
			for i, s := range secrets {
				line := lineAt(b, offsets, i)
				if k.name == privateKey && keptWell(rel, mode, b) || exampleLine(b, offsets, i) {
					continue
				}
				place := locus(rel) + ":" + strconv.Itoa(line)
				if k.name == privateKey && line == 1 {
					place = locus(rel) // the file is the key
				}
				if !seen[place] && len(list) < 100 {
					seen[place] = true
					list = append(list, r.secretFinding(k, s, rel, place, mode))
				}
			}
		}
	}
	return list, nil
}

func (r *run) secretFinding(k kind, s veles.Secret, rel, place string, mode fs.FileMode) gyre.Finding {
	// The values are long and random, so that eight bytes of a digest tell two
	// of them apart and do not help to guess one.
	sum := sha256.Sum256(fmt.Appendf(nil, "%T %v", s, s))
	who := "its owner"
	switch {
	case mode.Perm()&0o004 != 0:
		who = "every account"
	case mode.Perm()&0o040 != 0:
		who = "its owner and group"
	}
	return gyre.Finding{
		Asset: r.asset, Aspect: gyre.AspectSecret, Locus: place, Severity: gyre.SeverityHigh, Credentialed: true,
		Weakness: gyre.Weakness{
			Key: k.key(), Class: gyre.Secret, Severity: gyre.SeverityHigh, CWEs: []string{"CWE-312", "CWE-522"},
			Title:       strings.ToUpper(k.title[:1]) + k.title[1:] + " in a file",
			Description: "A file holds a " + k.title + " in clear text. Whoever can read the file, or a copy or backup of it, can use it.",
			Remediation: "Revoke the " + k.title + " where it was issued, issue a new one, and keep that in a secret store or at least in a file that only the service's own account may read. Removing the file alone does not help: copies may exist.",
			References:  []string{"https://cheatsheetseries.owasp.org/cheatsheets/Secrets_Management_Cheat_Sheet.html"},
		},
		Evidence: gyre.Evidence{
			Summary: fmt.Sprintf("A %s lies in %s, readable by %s (mode %04o)", k.title, place, who, mode.Perm()),
			Data:    map[string]any{"fingerprint": hex.EncodeToString(sum[:8]), "mode": fmt.Sprintf("%04o", mode.Perm())},
		},
		Remedy: gyre.Remedy{Kind: gyre.RemedyText, Location: locus(rel), Text: "Revoke and replace the " + k.title + " in " + place + "."},
	}
}

// keptWell says whether a private key lies where such keys belong and only its
// owner (or a group made for that) may read it, or is encrypted.
func keptWell(rel string, mode fs.FileMode, b []byte) bool {
	if bytes.Contains(b, []byte("ENCRYPTED")) || bytes.Contains(b, []byte("aes256-ctr")) {
		return true
	}
	// An OpenSSH key names its cipher at the start of its base64 body; "none" is the open one.
	if i := bytes.Index(b, []byte("BEGIN OPENSSH PRIVATE KEY")); i >= 0 && !bytes.Contains(b[i:], []byte("b3BlbnNzaC1rZXktdjEAAAAABG5vbmU")) {
		return true
	}
	dirs := strings.Split(path.Dir(rel), "/")
	home := strings.HasPrefix(rel, "etc/ssh/ssh_host_") || strings.HasPrefix(rel, "etc/ssl/private/") ||
		strings.HasPrefix(rel, "etc/pki/") || strings.HasPrefix(rel, "etc/letsencrypt/") || strings.HasPrefix(rel, "etc/postgresql") ||
		slices.Contains(dirs, ".ssh") || slices.Contains(dirs, ".gnupg")
	return home && mode.Perm()&0o007 == 0
}

func looksTextual(b []byte) bool {
	return !bytes.ContainsRune(b[:min(len(b), 8000)], 0) || b[0] == 0x30 // a DER key starts with a sequence
}

func lineAt(b []byte, offsets []int, i int) int {
	if i >= len(offsets) || offsets[i] < 0 || offsets[i] > len(b) {
		return 1
	}
	return 1 + bytes.Count(b[:offsets[i]], []byte{'\n'})
}

// exampleLine says whether the line with the secret calls itself an example.
func exampleLine(b []byte, offsets []int, i int) bool {
	if i >= len(offsets) || offsets[i] < 0 || offsets[i] > len(b) {
		return false
	}
	start := bytes.LastIndexByte(b[:offsets[i]], '\n') + 1
	end := len(b)
	if n := bytes.IndexByte(b[offsets[i]:], '\n'); n >= 0 {
		end = offsets[i] + n
	}
	line := bytes.ToLower(b[start:end])
	return bytes.Contains(line, []byte("example")) || bytes.Contains(line, []byte("placeholder")) || bytes.Contains(line, []byte("xxxxxxxx"))
}
