// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gyre-ctem/gyre/lab/files"
	"github.com/gyre-ctem/gyre/lab/truth"
)

// read reads a file of the estate; "" when it is not there.
func read(t *testing.T, e *Estate, path string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(e.Dir(), path))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(data)
}

func holds(path, text string) observer {
	return func(t *testing.T, e *Estate) bool { return strings.Contains(read(t, e, path), text) }
}

func root(host, path string) string { return files.RootDir(host) + path }

// installed looks for the vulnerable version in the package's own stanza.
func installed(host, binary, version string) observer {
	return func(t *testing.T, e *Estate) bool {
		for stanza := range strings.SplitSeq(read(t, e, root(host, truth.DpkgStatus)), "\n\n") {
			if strings.HasPrefix(stanza, "Package: "+binary+"\n") {
				return strings.Contains(stanza+"\n", "\nVersion: "+version+"\n")
			}
		}
		t.Errorf("%s is not installed on %s", binary, host)
		return false
	}
}

func locked(name, version string) observer {
	return func(t *testing.T, e *Estate) bool {
		var lock struct {
			Packages map[string]struct{ Version string }
		}
		if err := json.Unmarshal([]byte(read(t, e, root("orders2", truth.NPMLock))), &lock); err != nil {
			t.Fatal(err)
		}
		return lock.Packages["node_modules/"+name].Version == version
	}
}

// entry finds a principal's record in the directory export.
func entry(name, attribute string) observer {
	return func(t *testing.T, e *Estate) bool {
		for record := range strings.SplitSeq(read(t, e, truth.DirectoryFile), "\n\n") {
			if strings.Contains(record, "\nsAMAccountName: "+name+"\n") {
				return strings.Contains(record+"\n", "\n"+attribute+"\n")
			}
		}
		t.Errorf("%s is not in the export", name)
		return false
	}
}

// resource finds a resource in the cloud export by its name.
func resource(name, text string) observer {
	return func(t *testing.T, e *Estate) bool {
		var snapshot struct {
			Items []json.RawMessage `json:"configurationItems"`
		}
		if err := json.Unmarshal([]byte(read(t, e, truth.CloudFile)), &snapshot); err != nil {
			t.Fatal(err)
		}
		for _, item := range snapshot.Items {
			var head struct{ ResourceName string }
			if err := json.Unmarshal(item, &head); err != nil {
				t.Fatal(err)
			}
			if head.ResourceName == name {
				return strings.Contains(strings.Join(strings.Fields(string(item)), ""), text)
			}
		}
		t.Errorf("%s is not in the export", name)
		return false
	}
}

var onDisk = map[string]observer{
	"W-39": installed("orders1", "curl", "7.88.1-10"),
	"W-40": installed("orders1", "libssl3", "3.0.9-1"),
	"W-41": installed("orders1", "libc6", "2.36-9+deb12u1"),
	"W-42": installed("orders2", "libssl3", "3.0.9-1"),
	"W-43": installed("orders2", "openssh-server", "1:9.2p1-2"),
	"W-44": installed("ledger", "policykit-1", "0.105-31"),
	"W-45": installed("ledger", "redis-server", "5:6.0.16-1+deb11u1"),
	"W-46": installed("ledger", "zlib1g", "1:1.2.11.dfsg-2"),
	"W-47": locked("lodash", "4.17.15"),
	"W-48": locked("minimist", "1.2.5"),
	"W-49": locked("axios", "0.21.1"),
	"W-50": locked("ua-parser-js", "0.7.29"),
	"W-51": holds(root("reports", truth.Requirements), "jinja2==2.11.2\n"),
	"W-52": holds(root("reports", truth.Requirements), "pyyaml==5.3.1\n"),
	"W-53": holds(root("reports", truth.Requirements), "requests==2.25.1\n"),
	"W-54": holds(root("reports", truth.Requirements), "urllib3==1.26.4\n"),
	"W-55": holds(root("gateway", truth.GoMod), "github.com/golang-jwt/jwt/v4 v4.5.0\n"),
	"W-56": holds(root("gateway", truth.GoMod), "github.com/gin-gonic/gin v1.9.0\n"),
	"W-57": installed("backup", "rsync", "3.2.7-1"),
	"W-58": installed("bastion", "sudo", "1.9.13p3-1+deb12u1"),
	"W-91": installed("reports", "libwebp7", "1.2.4-0.2"),
	"W-59": holds(root("bastion", "/etc/ssh/sshd_config"), "\nPermitRootLogin yes\n"),
	"W-60": holds(root("bastion", "/etc/ssh/sshd_config"), "\nPasswordAuthentication yes\n"),
	"W-61": holds(root("bastion", "/etc/sudoers"), "NOPASSWD: ALL"),
	"W-62": func(t *testing.T, e *Estate) bool {
		info, err := os.Stat(filepath.Join(e.Dir(), root("backup", "/etc/shadow")))
		if err != nil {
			t.Fatal(err)
		}
		return info.Mode().Perm()&0o004 != 0
	},
	"W-63": holds(root("backup", truth.BackupKey), "BEGIN PRIVATE KEY"),
	"W-64": holds(root("backup", "/etc/ssh/sshd_config"), "aes256-cbc"),
	"W-65": entry("svc-backup", "userAccountControl: 66048"),
	"W-66": entry("svc-legacy", "userAccountControl: 4194816"),
	"W-67": entry("svc-sql", "servicePrincipalName: MSSQLSvc/sql1.corp.example:1433"),
	"W-68": entry("adm-former", "memberOf: CN=Domain Admins,CN=Users,DC=corp,DC=example"),
	"W-69": entry("kiosk", "userAccountControl: 544"),
	"W-70": entry("print01$", "userAccountControl: 528384"),
	"W-71": resource("corp-press-kit", `"grantee\":\"AllUsers\"`),
	"W-72": resource("corp-invoices", `"ServerSideEncryptionConfiguration":null`),
	"W-73": resource("web-admin", `"ipv4Ranges":[{"cidrIp":"0.0.0.0/0"}],"ipv6Ranges":[],"prefixListIds":[],"toPort":22`),
	"W-74": resource("ci-operator", `"mfaDevices":[]`),
	"W-75": resource("everything-everywhere", "%22Action%22%3A%22%2A%22"),
	"W-76": resource("corp-trail", `"isLogging":false`),
	"W-77": resource("orders-replica", `"publiclyAccessible":true`),
	"W-78": holds(truth.TerraformDir+"/assets.tf", `"public-read"`),
	"W-79": holds(truth.TerraformDir+"/network.tf", "to_port     = 22\n    protocol    = \"tcp\"\n    cidr_blocks = [\"0.0.0.0/0\"]"),
	"W-80": holds(truth.TerraformDir+"/storage.tf", "encrypted         = false"),
	"W-81": holds(truth.KubernetesDir+"/collector.yaml", "privileged: true"),
	"W-82": holds(truth.KubernetesDir+"/exporter.yaml", "hostNetwork: true"),
	"W-83": holds(truth.KubernetesDir+"/importer.yaml", "runAsUser: 0"),
	"W-84": holds(truth.KubernetesDir+"/cleaner.yaml", "hostPath:"),
	"W-85": holds(truth.SBOMFile, "log4j-core@2.14.1"),
	"W-86": holds(truth.SBOMFile, "commons-text@1.9\""),
	"W-87": holds(root("ledger", "/etc/passwd"), "support:x:0:0:"),
	"W-88": holds(root("backup", "/var/log/auth.log"), "Failed password"),
	"W-89": func(t *testing.T, e *Estate) bool {
		return strings.HasPrefix(read(t, e, root("orders1", "/etc/rsyslog.d/50-forward.conf")), "#")
	},
}
