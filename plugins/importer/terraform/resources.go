// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package terraform

import (
	"net/netip"
	"strconv"
	"strings"
)

// readers say what the literals of a resource show. The meaning of the arguments is
// that of the providers' documentation (hashicorp/aws 5, azurerm 4, google 6).
var readers = map[string]func(block, map[string]any){
	"aws_s3_bucket": func(b block, data map[string]any) {
		publicACL(b, data)
		if len(b.blocks("server_side_encryption_configuration")) > 0 {
			data["encrypted"] = true
		}
		for _, v := range b.blocks("versioning") {
			take(v, "enabled", data, "versioning")
		}
	},
	"aws_s3_bucket_acl": publicACL,
	"aws_db_instance": func(b block, data map[string]any) {
		take(b, "storage_encrypted", data, "encrypted")
		take(b, "publicly_accessible", data, "public")
	},
	"aws_rds_cluster":            encryptedBy("storage_encrypted"),
	"aws_rds_cluster_instance":   func(b block, data map[string]any) { take(b, "publicly_accessible", data, "public") },
	"aws_ebs_volume":             encryptedBy("encrypted"),
	"aws_efs_file_system":        encryptedBy("encrypted"),
	"aws_redshift_cluster":       encryptedBy("encrypted"),
	"aws_instance":               instance,
	"aws_security_group":         securityGroup,
	"aws_default_security_group": securityGroup,
	"aws_security_group_rule": func(b block, data map[string]any) {
		if kind, _ := b.text("type"); kind == "ingress" {
			data["ingress"] = rules(b.fields("from_port", "to_port", "protocol", "cidr_blocks", "ipv6_cidr_blocks"))
		}
	},
	"aws_vpc_security_group_ingress_rule": func(b block, data map[string]any) {
		f := b.fields("from_port", "to_port", "ip_protocol", "cidr_ipv4", "cidr_ipv6")
		f["protocol"], f["cidr_blocks"] = f["ip_protocol"], []any{f["cidr_ipv4"], f["cidr_ipv6"]}
		data["ingress"] = rules(f)
	},
	"azurerm_storage_account": func(b block, data map[string]any) {
		take(b, "allow_blob_public_access", data, "public")
		take(b, "allow_nested_items_to_be_public", data, "public")
	},
	"azurerm_network_security_rule": azureRule,
	"google_compute_firewall":       googleFirewall,
	"google_storage_bucket_iam_member": func(b block, data map[string]any) {
		if member, ok := b.text("member"); ok {
			data["public"] = member == "allUsers" || member == "allAuthenticatedUsers"
		}
	},
}

func publicACL(b block, data map[string]any) {
	if acl, ok := b.text("acl"); ok {
		data["public"] = acl == "public-read" || acl == "public-read-write"
	}
}

func encryptedBy(attribute string) func(block, map[string]any) {
	return func(b block, data map[string]any) { take(b, attribute, data, "encrypted") }
}

// instance is encrypted when all of its disks are said to be.
func instance(b block, data map[string]any) {
	disks := append(b.blocks("root_block_device"), b.blocks("ebs_block_device")...)
	all := len(disks) > 0
	for _, d := range disks {
		encrypted, known := d.flag("encrypted")
		switch {
		case known && !encrypted:
			data["encrypted"] = false
			return
		case !known:
			all = false
		}
	}
	if all {
		data["encrypted"] = true
	}
	take(b, "associate_public_ip_address", data, "public")
}

func securityGroup(b block, data map[string]any) {
	ingress := []any{}
	for _, r := range b.blocks("ingress") {
		ingress = append(ingress, rules(r.fields("from_port", "to_port", "protocol", "cidr_blocks", "ipv6_cidr_blocks"))...)
	}
	// The same as an attribute: a list of objects.
	if v, ok := b.get("ingress"); ok {
		list, _ := v.([]any)
		for _, e := range list {
			if f, ok := e.(map[string]any); ok {
				ingress = append(ingress, rules(f)...)
			}
		}
	}
	if len(ingress) > 0 || len(b.blocks("dynamic")) == 0 {
		data["ingress"] = ingress
	}
}

func (b block) fields(names ...string) map[string]any {
	out := map[string]any{}
	for _, n := range names {
		if v, ok := b.get(n); ok {
			out[n] = v
		}
	}
	return out
}

// rules turns one rule of a security group into what checks read: one entry for each
// network, -1 for every port. What is not literal, or not TCP, is left out.
func rules(f map[string]any) []any {
	out := []any{}
	from, okFrom := number(f["from_port"])
	to, okTo := number(f["to_port"])
	switch protocol := f["protocol"]; protocol {
	case "-1", "all", int64(-1):
		from, to = -1, -1
	case "tcp", "6", int64(6), nil:
		if !okFrom || !okTo {
			return out
		}
	default:
		return out
	}
	for _, key := range []string{"cidr_blocks", "ipv6_cidr_blocks"} {
		list, _ := f[key].([]any)
		for _, v := range list {
			cidr, ok := v.(string)
			if _, err := netip.ParsePrefix(cidr); ok && err == nil {
				out = append(out, map[string]any{"cidr": cidr, "from_port": from, "to_port": to})
			}
		}
	}
	return out
}

func number(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case string:
		n, err := strconv.ParseInt(v, 10, 32)
		return n, err == nil
	}
	return 0, false
}

func azureRule(b block, data map[string]any) {
	direction, _ := b.text("direction")
	access, _ := b.text("access")
	source, ok := b.text("source_address_prefix")
	ports, okPorts := b.text("destination_port_range")
	protocol, _ := b.text("protocol")
	if direction != "Inbound" || access != "Allow" || !ok || !okPorts || protocol == "Udp" || protocol == "Icmp" {
		return
	}
	if source == "*" || source == "Internet" || source == "Any" {
		source = "0.0.0.0/0"
	}
	data["ingress"] = open(source, ports)
}

func googleFirewall(b block, data map[string]any) {
	if direction, ok := b.text("direction"); ok && direction != "INGRESS" {
		return
	}
	v, ok := b.get("source_ranges")
	sources, _ := v.([]any)
	if !ok {
		return
	}
	ingress := []any{}
	for _, allow := range b.blocks("allow") {
		protocol, _ := allow.text("protocol")
		if protocol != "tcp" && protocol != "all" {
			continue
		}
		ports := []any{"*"}
		if v, ok := allow.get("ports"); ok && protocol == "tcp" {
			ports, _ = v.([]any)
		}
		for _, s := range sources {
			for _, p := range ports {
				source, okSource := s.(string)
				span, okSpan := p.(string)
				if okSource && okSpan {
					ingress = append(ingress, open(source, span)...)
				}
			}
		}
	}
	data["ingress"] = ingress
}

// open reads a span of ports such as "22", "8000-8100" or "*".
func open(cidr, span string) []any {
	if a, err := netip.ParseAddr(cidr); err == nil {
		cidr = netip.PrefixFrom(a, a.BitLen()).String()
	}
	if _, err := netip.ParsePrefix(cidr); err != nil {
		return []any{}
	}
	rule := map[string]any{"cidr": cidr, "from_port": int64(-1), "to_port": int64(-1)}
	if span != "*" {
		first, last, isRange := strings.Cut(span, "-")
		if !isRange {
			last = first
		}
		from, err := strconv.ParseInt(first, 10, 32)
		to, err2 := strconv.ParseInt(last, 10, 32)
		if err != nil || err2 != nil {
			return []any{}
		}
		rule["from_port"], rule["to_port"] = from, to
	}
	return []any{rule}
}

func take(b block, attribute string, data map[string]any, key string) {
	if v, ok := b.flag(attribute); ok {
		data[key] = v
	}
}
