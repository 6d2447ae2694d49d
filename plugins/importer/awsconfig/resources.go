// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package awsconfig

import (
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// bucket: whether everybody may read it follows from ACL, policy and the bucket's
// block on public access; it is said only when these are in the snapshot.
func bucket(_ *item, _, more object, data map[string]any) {
	acl, hasACL := more["AccessControlList"]
	rules, hasPolicy := more["BucketPolicy"]
	block := asObject(more["PublicAccessBlockConfiguration"])
	byACL, byPolicy := false, false
	for _, g := range list(asObject(acl)["grantList"]) {
		grantee := asObject(g)["grantee"]
		name, _ := grantee.(string)
		if uri, ok := asObject(grantee)["uri"].(string); ok {
			name = uri
		}
		byACL = byACL || name == "AllUsers" || strings.HasSuffix(name, "/AllUsers")
	}
	if text, ok := asObject(rules)["policyText"].(string); ok {
		for _, st := range statements(text) {
			byPolicy = byPolicy || st["Effect"] == "Allow" && st["Condition"] == nil && everyone(st["Principal"])
		}
	}
	byACL = byACL && block["ignorePublicAcls"] != true
	byPolicy = byPolicy && block["restrictPublicBuckets"] != true
	if byACL || byPolicy || hasACL && hasPolicy {
		data["public"] = byACL || byPolicy
	}
	if sse, ok := more["ServerSideEncryptionConfiguration"]; ok {
		data["encrypted"] = len(list(asObject(sse)["rules"])) > 0
	}
	if v := asObject(more["BucketVersioningConfiguration"]); v != nil {
		data["versioning"] = v["status"] == "Enabled"
	}
}

func everyone(principal any) bool {
	if principal == "*" {
		return true
	}
	for _, v := range asObject(principal) {
		if has(v, "*") {
			return true
		}
	}
	return false
}

func securityGroup(_ *item, conf, _ object, data map[string]any) {
	permissions, ok := conf["ipPermissions"].([]any)
	if !ok {
		return
	}
	ingress := []any{}
	for _, p := range permissions[:min(len(permissions), 1000)] {
		perm := asObject(p)
		from, to := int64(-1), int64(-1) // every port
		switch perm["ipProtocol"] {
		case "tcp", "6":
			f, okFrom := perm["fromPort"].(float64)
			t, okTo := perm["toPort"].(float64)
			if !okFrom || !okTo {
				continue
			}
			from, to = int64(f), int64(t)
		case "-1":
		default:
			continue
		}
		seen := map[string]bool{}
		add := func(cidr any) {
			c, ok := cidr.(string)
			if _, err := netip.ParsePrefix(c); !ok || err != nil || seen[c] {
				return
			}
			seen[c] = true
			ingress = append(ingress, map[string]any{"cidr": c, "from_port": from, "to_port": to})
		}
		for _, r := range list(perm["ipv4Ranges"]) {
			add(asObject(r)["cidrIp"])
		}
		for _, r := range list(perm["ipv6Ranges"]) {
			add(asObject(r)["cidrIpv6"])
		}
		for _, r := range list(perm["ipRanges"]) {
			add(r)
		}
	}
	data["ingress"] = ingress
}

// user: a second factor matters for who has a password for the console.
func user(_ *item, conf, _ object, data map[string]any) {
	login, saysLogin := conf["loginProfile"]
	devices, saysDevices := conf["mfaDevices"].([]any)
	active, saysActive := conf["mfaActive"].(bool)
	if (saysDevices || saysActive) && (!saysLogin || login != nil) {
		data["mfa"] = active || len(devices) > 0
	}
	var oldest time.Time
	for _, member := range []string{"accessKeys", "accessKeyMetadata"} {
		for _, k := range list(conf[member]) {
			key := asObject(k)
			text, _ := key["createDate"].(string)
			t, err := time.Parse(time.RFC3339, text)
			if err == nil && key["status"] != "Inactive" && (oldest.IsZero() || t.Before(oldest)) {
				oldest = t
			}
		}
	}
	if !oldest.IsZero() {
		data["access_key_created"] = oldest.UTC().Format(time.RFC3339)
	}
	managed, saysManaged := conf["attachedManagedPolicies"].([]any)
	inline, saysInline := conf["userPolicyList"].([]any)
	admin := false
	for _, p := range list(conf["attachedManagedPolicies"]) {
		arn, _ := asObject(p)["policyArn"].(string)
		admin = admin || strings.HasSuffix(arn, ":policy/AdministratorAccess")
	}
	for _, p := range list(conf["userPolicyList"]) {
		text, _ := asObject(p)["policyDocument"].(string)
		admin = admin || allowsEverything(text)
	}
	// What policies that are attached by name allow stands elsewhere.
	if admin || saysManaged && saysInline && len(managed) == 0 && len(inline) == 0 && len(list(conf["groupList"])) == 0 {
		data["admin_policy"] = admin
	}
}

func policy(_ *item, conf, _ object, data map[string]any) {
	for _, v := range list(conf["policyVersionList"]) {
		version := asObject(v)
		if text, ok := version["document"].(string); ok && version["isDefaultVersion"] == true {
			data["admin_policy"] = allowsEverything(text)
		}
	}
}

// allowsEverything says whether a policy document, which is JSON and mostly
// URL-encoded (RFC 3986), has a statement that allows every action everywhere.
func allowsEverything(text string) bool {
	for _, st := range statements(text) {
		if st["Effect"] == "Allow" && st["Condition"] == nil && (has(st["Action"], "*") || has(st["Action"], "*:*")) && has(st["Resource"], "*") {
			return true
		}
	}
	return false
}

func statements(text string) []object {
	if strings.HasPrefix(text, "%7B") {
		if plain, err := url.QueryUnescape(text); err == nil {
			text = plain
		}
	}
	var doc struct {
		Statement any `json:"Statement"`
	}
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		return nil
	}
	var out []object
	for _, st := range list(doc.Statement) {
		out = append(out, asObject(st))
	}
	if one, ok := doc.Statement.(object); ok {
		out = append(out, one)
	}
	return out
}

// has says whether v is the word, or a list with it.
func has(v any, word string) bool {
	if v == word {
		return true
	}
	for _, e := range list(v) {
		if e == word {
			return true
		}
	}
	return false
}

func database(_ *item, conf, _ object, data map[string]any) {
	take(conf, "publiclyAccessible", data, "public")
	take(conf, "storageEncrypted", data, "encrypted")
}

func trail(_ *item, conf, more object, data map[string]any) {
	take(conf, "isLogging", data, "logging")
	take(asObject(more["TrailStatus"]), "isLogging", data, "logging")
}

func instance(_ *item, conf, _ object, data map[string]any) {
	if ip, ok := conf["publicIpAddress"]; ok {
		data["public"] = ip != nil && ip != ""
	}
}

func take(from object, member string, data map[string]any, key string) {
	if b, ok := from[member].(bool); ok {
		data[key] = b
	}
}
