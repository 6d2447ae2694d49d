// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package check

import (
	"maps"
	"slices"

	"github.com/gyre-ctem/gyre"
)

// factKeys is the contract between what collects facts and what judges them:
// the keys of Fact.Data of each aspect, with what they hold. A key is there only
// when its value is demonstrably known. Conditions that name another key are refused,
// because they would never fire.
var factKeys = map[gyre.Aspect]map[string]string{
	gyre.AspectHost: {
		"address": "text", "listed": "bool: in the scope's inventory; only when there is one", "open_ports": "list of int", "names": "list of text",
	},
	gyre.AspectService: {
		"port": "int", "transport": "tcp", "protocol": "ssh, http, https, redis, ftp, smtp, dns, elasticsearch, docker … or unknown",
		"tls": "bool", "banner": "text, at most 512 characters", "product": "text", "version": "text",
		"auth_required": "bool: tested", "anonymous": "bool: anonymous FTP login works", "open_relay": "bool: a foreign recipient was accepted",
		"starttls": "bool", "ssh_protocol": "text: 2.0",
	},
	gyre.AspectTLS: {
		"subject": "text", "issuer": "text", "san": "list of text", "not_before": "RFC 3339", "not_after": "RFC 3339", "self_signed": "bool",
		"name_matches": "bool; only when a name is known", "key_type": "rsa, ecdsa or ed25519", "key_bits": "int", "signature_algorithm": "text",
		"protocols": "list of TLS1.0 … TLS1.3", "weak_ciphers": "list of text", "serial": "text", "fingerprint_sha256": "text",
	},
	gyre.AspectHTTP: {
		"url": "text", "scheme": "http or https", "path": "text", "probe": "root, git, env, listing, default-credentials, openapi, server-status, admin, trace",
		"status": "int", "title": "text", "headers": "map of lower-case name to value", "cookies": "list of {name, secure, http_only, same_site}",
		"technologies": "list of text", "content_type": "text", "body_sample": "text, at most 2 KiB, without secrets", "found": "bool: the probe's signature matched",
		"login_ok": "bool", "username": "text", "openapi_version": "text", "open_operations": "list of text: answered 2xx with data and without credentials",
		"cors_any_origin_credentials": "bool",
	},
	gyre.AspectDNS: {
		"domain": "text", "present": "bool", "record": "text", "all": "-all, ~all, ?all, +all or empty", "policy": "none, quarantine or reject",
		"nameserver": "text", "transfer_allowed": "bool", "records": "int or list", "name": "text", "target": "text", "dangling": "bool", "signed": "bool",
	},
	gyre.AspectFile: { // #nosec G101 -- names of facts, no credentials
		"path": "text", "kind": "sshd_config, sudoers, shadow or passwd", "mode": "octal: 0644",
		"settings": "map of lower-case sshd_config keyword to value", "nopasswd": "list of sudoers entries",
	},
	gyre.AspectSocket: {
		"port": "int", "address": "text", "loopback": "bool", "process": "text", "user": "text", "pid": "int",
	},
	gyre.AspectIdentity: {
		"name": "text", "dn": "text", "enabled": "bool", "privileged": "bool", "groups": "list of text", "password_never_expires": "bool",
		"password_not_required": "bool", "preauth_required": "bool", "service_principal_names": "list of text", "unconstrained_delegation": "bool",
		"last_logon": "RFC 3339", "password_last_set": "RFC 3339",
	},
	gyre.AspectCloud: {
		"provider": "aws", "account": "text", "region": "text", "type": "storage_bucket, security_group, iam_user, iam_policy, database, audit_log or instance",
		"id": "text", "name": "text", "public": "bool", "encrypted": "bool", "versioning": "bool", "ingress": "list of {cidr, from_port, to_port}",
		"mfa": "bool", "access_key_created": "RFC 3339", "admin_policy": "bool", "logging": "bool",
	},
	gyre.AspectIaC: {
		"format": "terraform or kubernetes", "kind": "aws_s3_bucket, Deployment …", "name": "text", "file": "text", "line": "int",
		"public": "bool", "encrypted": "bool", "ingress": "list of {cidr, from_port, to_port}", "privileged": "bool", "host_network": "bool",
		"host_pid": "bool", "run_as_root": "bool", "host_paths": "list of text", "image": "text",
	},
}

// knownKey says whether facts of an aspect have a key. Of aspects that plug-ins
// add, nothing is known and everything allowed.
func knownKey(a gyre.Aspect, key string) bool {
	keys, ok := factKeys[a]
	return !ok || keys[key] != ""
}

func keysOf(a gyre.Aspect) []string { return slices.Sorted(maps.Keys(factKeys[a])) }
