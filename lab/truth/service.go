// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package truth

import gyre "github.com/gyre-ctem/gyre"

// service is a row about a network service that should not be as open as it is.
func service(id string, zone gyre.Zone, host, name, what, title, fix string, keys ...string) Row {
	return Row{
		ID: id, Class: gyre.ExposedService, Zone: zone, Host: host, Service: name, Flaw: host + "." + what,
		Keys: keys, Title: title, Fix: fix,
	}
}

func serviceRows() []Row {
	const (
		dmz = gyre.ZoneDMZ
		in  = gyre.ZoneInternal
		mgt = gyre.ZoneManagement
	)
	// A data store that is open is a data store that is exposed, too: both answers are right.
	const exposed = "service.database-exposed"
	ssh := service("W-22", dmz, "sftp", "ssh", "ssh-outdated",
		"The file transfer host runs OpenSSH 7.4", "Upgrade the system to a release with a supported OpenSSH.", "service.ssh-outdated")
	ssh.Class = gyre.Vulnerability
	shadow := Row{
		ID: "W-31", Class: gyre.ShadowIT, Zone: gyre.ZoneInternet, Host: "shadow", Flaw: "shadow.running",
		Keys: []string{"host.shadow-it"}, Title: "A test server on the internet that nobody has listed",
		Fix: "Find its owner; list it, or take it off the network. The practice estate takes it off.",
	}
	return []Row{
		service("W-19", in, "cache", "redis", "redis-no-auth",
			"Redis answers without a password", "Set requirepass or an ACL, and bind to the application hosts only.",
			"service.redis-no-auth", exposed),
		service("W-20", dmz, "ftp", "ftp", "ftp-anonymous",
			"FTP lets anonymous in", "Set anonymous_enable=NO, or switch FTP off in favour of SFTP.", "service.ftp-anonymous"),
		service("W-21", gyre.ZoneInternet, "mail", "smtp", "smtp-relay",
			"The mail server relays for anyone", "Restrict relaying to your networks and to signed-in senders.", "service.smtp-open-relay"),
		ssh,
		service("W-23", in, "search", "elasticsearch", "elasticsearch-open",
			"The search engine's API answers without credentials", "Set xpack.security.enabled: true and give out API keys.",
			"service.elasticsearch-open", exposed),
		service("W-24", dmz, "build", "docker", "docker-open",
			"The container engine's API is on the network without TLS", "Remove -H tcp:// from the daemon; use the local socket or mutual TLS.",
			"service.docker-api-open"),
		service("W-25", dmz, "reportsdb", "mysql", "database-exposed",
			"A MySQL server can be reached in the DMZ", "Set bind-address to the address of the application network.", exposed),
		service("W-26", in, "sessions", "memcached", "memcached-open",
			"memcached answers without credentials", "Listen on the loopback address, or switch it off.",
			"service.memcached-open", exposed),
		service("W-27", in, "config", "etcd", "etcd-open",
			"etcd serves its keys without credentials", "Enable authentication (etcdctl auth enable) and client certificates.",
			"service.etcd-open", exposed),
		service("W-28", mgt, "switch", "telnet", "telnet",
			"The switch is managed over telnet", "Enable SSH and switch telnet off.", "service.telnet"),
		service("W-29", mgt, "kvm", "vnc", "vnc-no-auth",
			"The console server shares screens without a password", "Require authentication, and reach it through the bastion only.",
			"service.vnc-no-auth"),
		service("W-30", in, "catalogue", "mongodb", "mongodb-open",
			"MongoDB lists its databases without credentials", "Set security.authorization: enabled and create users.",
			"service.mongodb-open", exposed),
		shadow,
	}
}

func dnsRows() []Row {
	row := func(id, domain, what, locus, key, title, fix string) Row {
		return Row{
			ID: id, Class: gyre.Misconfiguration, Zone: gyre.ZoneInternet, Host: "ns1", Flaw: domain + "." + what,
			Assets: []string{domain}, Loci: []string{locus, "dns", "~tcp/"}, Keys: []string{key}, Title: title, Fix: fix,
		}
	}
	const second = PartnerDomain
	return []Row{
		row("W-32", Domain, "axfr", "dns/AXFR", "dns.zone-transfer",
			"Anyone may transfer the zone corp.example", "Allow transfers to the secondary name servers only."),
		row("W-33", Domain, "dangling", "dns/CNAME", "dns.dangling-cname",
			"dev.corp.example points to a name that is free to take", "Remove the record."),
		row("W-34", Domain, "no-spf", "dns/SPF", "dns.spf-missing",
			"corp.example has no SPF record", "Publish v=spf1 mx -all."),
		row("W-35", Domain, "no-dmarc", "dns/DMARC", "dns.dmarc-missing",
			"corp.example has no DMARC record", "Publish v=DMARC1; p=reject at _dmarc."),
		row("W-36", Domain, "unsigned", "dns/DNSSEC", "dns.dnssec-missing",
			"corp.example is not signed", "Sign the zone and hand the DS record to the parent."),
		row("W-37", second, "spf-open", "dns/SPF", "dns.spf-permissive",
			"The SPF record of partner.example lets everyone send", "End the record with -all."),
		row("W-38", second, "dmarc-none", "dns/DMARC", "dns.dmarc-monitor-only",
			"The DMARC policy of partner.example only watches", "Raise the policy to p=quarantine, then p=reject."),
	}
}

// PartnerDomain is the second DNS zone: signed, but with weak mail policies.
const PartnerDomain = "partner.example"
