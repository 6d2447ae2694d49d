// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package files

import (
	"fmt"
	"strconv"

	"github.com/gyre-ctem/gyre/lab/truth"
)

// terraform is a folder of configuration for the AWS provider.
func (e Estate) terraform() []File {
	acl, cidr, encrypted := "private", "10.20.0.0/24", "true"
	if e.has("iac.bucket-public") {
		acl = "public-read"
	}
	if e.has("iac.ssh-open") {
		cidr = "0.0.0.0/0"
	}
	if e.has("iac.disk-plain") {
		encrypted = "false"
	}
	file := func(name, body string) File { return text(truth.TerraformDir+"/"+name, body) }
	bucket := func(label, name, acl string) string {
		return fmt.Sprintf(`resource "aws_s3_bucket" %q {
  bucket = %q
  acl    = %q

  versioning {
    enabled = true
  }

  server_side_encryption_configuration {
    rule {
      apply_server_side_encryption_by_default {
        sse_algorithm = "AES256"
      }
    }
  }
}
`, label, name, acl)
	}
	return []File{
		file("main.tf", "terraform {\n  required_version = \">= 1.5\"\n}\n\nprovider \"aws\" {\n  region = \"eu-central-1\"\n}\n"),
		file("assets.tf", bucket("assets", "corp-shop-assets", acl)),
		file("records.tf", bucket("records", "corp-shop-records", "private")),
		file("network.tf", fmt.Sprintf(`resource "aws_security_group" "shop" {
  name   = "shop"
  vpc_id = "vpc-0f1e2d3c4b5a69788"

  ingress {
    description = "SSH"
    from_port   = 22
    to_port     = 22
    protocol    = "tcp"
    cidr_blocks = [%q]
  }

  ingress {
    description = "HTTPS"
    from_port   = 443
    to_port     = 443
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }
}
`, cidr)),
		file("storage.tf", fmt.Sprintf(`resource "aws_ebs_volume" "orders" {
  availability_zone = "eu-central-1a"
  size              = 40
  encrypted         = %s
}
`, encrypted)),
	}
}

// workload is a Kubernetes Deployment that is as it should be but for what is set.
type workload struct {
	name                          string
	privileged, hostNetwork, root bool
	hostPath                      string
}

func (w workload) file() File {
	user := "runAsNonRoot: true\n        runAsUser: 10001"
	if w.root {
		user = "runAsNonRoot: false\n        runAsUser: 0"
	}
	volume := "          persistentVolumeClaim:\n            claimName: " + w.name
	if w.hostPath != "" {
		volume = "          hostPath:\n            path: " + w.hostPath + "\n            type: Directory"
	}
	return text(truth.KubernetesDir+"/"+w.name+".yaml", fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata:
  name: %[1]s
  namespace: shop
  labels:
    app: %[1]s
spec:
  replicas: 1
  selector:
    matchLabels:
      app: %[1]s
  template:
    metadata:
      labels:
        app: %[1]s
    spec:
      hostNetwork: %[2]s
      hostPID: false
      hostIPC: false
      automountServiceAccountToken: false
      securityContext:
        %[3]s
        seccompProfile:
          type: RuntimeDefault
      containers:
        - name: %[1]s
          image: registry.corp.example/shop/%[1]s:2.4.1
          resources:
            limits:
              memory: 256Mi
              cpu: 500m
          securityContext:
            privileged: %[4]s
            allowPrivilegeEscalation: %[4]s
            readOnlyRootFilesystem: true
            capabilities:
              drop: ["ALL"]
          volumeMounts:
            - name: data
              mountPath: /data
      volumes:
        - name: data
%[5]s
`, w.name, strconv.FormatBool(w.hostNetwork), user, strconv.FormatBool(w.privileged), volume))
}

// kubernetes is a folder of manifests.
func (e Estate) kubernetes() []File {
	cleaner := workload{name: "cleaner"}
	if e.has("iac.host-path") {
		cleaner.hostPath = "/"
	}
	return []File{
		workload{name: "storefront"}.file(),
		workload{name: "collector", privileged: e.has("iac.privileged")}.file(),
		workload{name: "exporter", hostNetwork: e.has("iac.host-network")}.file(),
		workload{name: "importer", root: e.has("iac.root")}.file(),
		cleaner.file(),
	}
}
