// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package truth

import gyre "github.com/gyre-ctem/gyre"

// Exported says where the exports and configuration folders lie, below the
// estate's folder, and what the asset behind each is called.
const (
	DirectoryFile  = "exports/corp.example.ldif"
	DirectoryAsset = "corp.example directory"
	CloudFile      = "exports/111122223333_Config_eu-central-1_ConfigSnapshot.json"
	CloudAsset     = "aws-111122223333"
	TerraformDir   = "iac/terraform"
	TerraformAsset = "shop-infrastructure"
	KubernetesDir  = "iac/kubernetes"
	KubernetesName = "shop-deployment"
	SBOMFile       = "exports/billing-supplier.cdx.json"
	SBOMAsset      = "Billing Connector"
)

func fileRows() []Row {
	at := func(id string, class gyre.Class, host, flaw, title, fix, key string, loci ...string) Row {
		return Row{
			ID: id, Class: class, Host: host, Flaw: flaw, Assets: []string{"*"},
			Loci: loci, Keys: []string{key}, Title: title, Fix: fix,
		}
	}
	user := func(id, name, what, title, fix string) Row {
		return at(id, gyre.IdentityRisk, DirectoryAsset, "directory."+what, title, fix, "identity."+what, "~"+name)
	}
	cloud := func(id, what, key, title, fix string, loci ...string) Row {
		return at(id, gyre.Misconfiguration, CloudAsset, "cloud."+what, title, fix, key, loci...)
	}
	iac := func(id, host, what, key, title, fix, locus string) Row {
		return at(id, gyre.Misconfiguration, host, "iac."+what, title, fix, key, "~"+locus)
	}
	supplied := func(id, name, vulnerable, fixed string) Row {
		p := Package{Ecosystem: "Maven", Name: name, Vulnerable: vulnerable, Fixed: fixed, File: SBOMFile}
		return Row{
			ID: id, Class: gyre.ThirdParty, Host: SBOMAsset, Flaw: "supplier.package-" + name, Assets: []string{"*"},
			Package: &p, Title: name + " " + vulnerable + " in the supplier's Billing Connector",
			Fix: "Have the supplier deliver a release with " + fixed + " and replace its bill of materials.",
		}
	}
	return []Row{
		user("W-65", "svc-backup", "password-never-expires", "The password of svc-backup never expires",
			"Clear DONT_EXPIRE_PASSWORD (0x10000), or make it a managed service account."),
		user("W-66", "svc-legacy", "preauth-not-required", "svc-legacy needs no Kerberos pre-authentication",
			"Clear DONT_REQ_PREAUTH (0x400000) and change the password."),
		user("W-67", "svc-sql", "kerberoastable", "svc-sql carries a service principal name",
			"Move the service to a group managed service account and remove the name from the user."),
		user("W-68", "adm-former", "stale-privileged", "adm-former is a Domain Admin and has not signed in for over a year",
			"Remove the account from Domain Admins and disable it."),
		user("W-69", "kiosk", "password-not-required", "kiosk may have an empty password",
			"Clear PASSWD_NOTREQD (0x20) and set a password."),
		user("W-70", "print01", "unconstrained-delegation", "print01 may impersonate every user to every service",
			"Clear TRUSTED_FOR_DELEGATION (0x80000); use constrained delegation."),
		cloud("W-71", "storage-public", "cloud.storage-public", "Everyone may read the bucket corp-press-kit",
			"Block public access and remove the statement for everyone.", "~corp-press-kit"),
		cloud("W-72", "storage-unencrypted", "cloud.storage-unencrypted", "The bucket corp-invoices is not encrypted",
			"Switch default encryption on.", "~corp-invoices"),
		cloud("W-73", "admin-port-open", "cloud.admin-port-open", "The security group web-admin opens SSH to the internet",
			"Allow port 22 from the bastion's address only.", "~sg-0a1b2c3d4e5f60718"),
		cloud("W-74", "user-without-mfa", "cloud.user-without-mfa", "The console user ci-operator has no second factor",
			"Enrol a device and enforce it by policy.", "~ci-operator", "~AIDAEXAMPLECIOPERATOR"),
		cloud("W-75", "admin-policy", "cloud.admin-policy", "The policy everything-everywhere allows every action on everything",
			"Replace it with the actions that are needed.", "~everything-everywhere", "~ANPAEXAMPLEEVERYTHING"),
		cloud("W-76", "audit-log-off", "cloud.audit-log-off", "The audit trail corp-trail is switched off",
			"Start logging on the trail.", "~corp-trail"),
		cloud("W-77", "database-public", "cloud.database-public", "The database orders-replica can be reached from the internet",
			"Set publicly accessible to false.", "~orders-replica", "~db-EXAMPLEORDERSREPLICA"),
		iac("W-78", TerraformAsset, "bucket-public", "iac.storage-public", "Terraform makes the bucket assets public",
			"Set acl to private.", "assets.tf#"),
		iac("W-79", TerraformAsset, "ssh-open", "iac.admin-port-open", "Terraform opens SSH to the internet",
			"Narrow cidr_blocks to the bastion.", "network.tf#"),
		iac("W-80", TerraformAsset, "disk-plain", "iac.unencrypted", "Terraform creates an unencrypted volume",
			"Set encrypted to true.", "storage.tf#"),
		iac("W-81", KubernetesName, "privileged", "iac.container-privileged", "The log collector runs privileged",
			"Set privileged to false and add the capability that is needed.", "collector.yaml#"),
		iac("W-82", KubernetesName, "host-network", "iac.host-namespace", "The exporter shares the node's network",
			"Set hostNetwork to false.", "exporter.yaml#"),
		iac("W-83", KubernetesName, "root", "iac.run-as-root", "The importer runs as root",
			"Set runAsNonRoot to true and runAsUser to an unprivileged number.", "importer.yaml#"),
		iac("W-84", KubernetesName, "host-path", "iac.host-path", "The cleaner mounts the node's root folder",
			"Replace the hostPath volume by a persistent volume claim.", "cleaner.yaml#"),
		supplied("W-85", "org.apache.logging.log4j:log4j-core", "2.14.1", "2.17.1"),
		supplied("W-86", "org.apache.commons:commons-text", "1.9", "1.10.0"),
	}
}

// unseenRows are weaknesses of kinds that Gyre cannot find yet: the score must
// list them as missed, not hide them.
func unseenRows() []Row {
	return []Row{
		{
			ID: "W-87", Class: gyre.Anomaly, Zone: gyre.ZoneInternal, Host: "ledger", Flaw: "ledger.second-root",
			Loci: []string{"/etc/passwd"}, Keys: []string{"anomaly.second-root-account"},
			Title: "A second account with user id 0 on ledger", Fix: "Find out who made it, then remove the account.",
		},
		{
			ID: "W-88", Class: gyre.Anomaly, Zone: gyre.ZoneManagement, Host: "backup", Flaw: "backup.guessing",
			Loci: []string{"/var/log/auth.log"}, Keys: []string{"anomaly.password-guessing"},
			Title: "Hundreds of failed logins and then one that worked on backup",
			Fix:   "Treat the account as taken: rotate its credentials and rebuild; the practice estate cleans the log.",
		},
		{
			ID: "W-89", Class: gyre.ControlGap, Zone: gyre.ZoneInternal, Host: "orders1", Flaw: "orders1.no-log-forwarding",
			Loci: []string{"/etc/rsyslog.d"}, Keys: []string{"control.log-forwarding-missing"},
			Title: "orders1 sends its logs nowhere", Fix: "Forward to the log host: *.* @@monitor.corp.example:6514",
		},
		{
			ID: "W-90", Class: gyre.ThirdParty, Zone: gyre.ZoneInternet, Host: "www", Service: "https", Flaw: "www.foreign-script",
			Keys:  []string{"http.subresource-integrity-missing"},
			Title: "The home page loads a supplier's script without an integrity hash",
			Fix:   "Add integrity and crossorigin to the script element.",
		},
	}
}
