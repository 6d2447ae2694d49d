// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package files

import (
	"encoding/json"
	"strings"

	"github.com/gyre-ctem/gyre/lab/truth"
)

// sbom is the bill of materials (CycloneDX 1.5) that came with the supplier's
// Billing Connector.
func (e Estate) sbom() []byte {
	component := func(group, name, version string) map[string]any {
		purl := "pkg:maven/" + group + "/" + name + "@" + version
		return map[string]any{"type": "library", "bom-ref": purl, "group": group, "name": name, "version": version, "purl": purl}
	}
	components := []any{
		component("com.google.guava", "guava", "33.2.1-jre"),
		component("org.slf4j", "slf4j-api", "2.0.13"),
	}
	for _, r := range e.packages(truth.SBOMAsset, truth.SBOMFile) {
		group, name, _ := strings.Cut(r.Package.Name, ":")
		components = append(components, component(group, name, r.Version()))
	}
	out, err := json.MarshalIndent(map[string]any{
		"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
		"serialNumber": "urn:uuid:0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d",
		"metadata": map[string]any{
			"timestamp": stamp(e.Made),
			"supplier":  map[string]any{"name": "Billing Supplier"},
			"component": map[string]any{"type": "application", "bom-ref": "billing-connector", "name": truth.SBOMAsset, "version": "5.1.0"},
		},
		"components": components,
	}, "", " ")
	if err != nil {
		panic(err) // maps of JSON values always marshal
	}
	return append(out, '\n')
}
