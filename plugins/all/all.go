// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package all lists the plug-ins that are compiled in, by kind. It is the only
// place that names them; internal/app and tests import it.
package all

import (
	"github.com/gyre-ctem/gyre/plugin"
	"github.com/gyre-ctem/gyre/plugins/feed/epss"
	"github.com/gyre-ctem/gyre/plugins/feed/kev"
	"github.com/gyre-ctem/gyre/plugins/feed/osv"
	"github.com/gyre-ctem/gyre/plugins/importer/aqua"
	"github.com/gyre-ctem/gyre/plugins/importer/awsconfig"
	"github.com/gyre-ctem/gyre/plugins/importer/bandit"
	"github.com/gyre-ctem/gyre/plugins/importer/cyclonedx"
	"github.com/gyre-ctem/gyre/plugins/importer/gitlab"
	"github.com/gyre-ctem/gyre/plugins/importer/grype"
	"github.com/gyre-ctem/gyre/plugins/importer/kubernetes"
	"github.com/gyre-ctem/gyre/plugins/importer/ldif"
	"github.com/gyre-ctem/gyre/plugins/importer/nessus"
	"github.com/gyre-ctem/gyre/plugins/importer/nmap"
	"github.com/gyre-ctem/gyre/plugins/importer/npmaudit"
	"github.com/gyre-ctem/gyre/plugins/importer/nsp"
	"github.com/gyre-ctem/gyre/plugins/importer/observatory"
	"github.com/gyre-ctem/gyre/plugins/importer/sarif"
	"github.com/gyre-ctem/gyre/plugins/importer/snyk"
	"github.com/gyre-ctem/gyre/plugins/importer/terraform"
	"github.com/gyre-ctem/gyre/plugins/importer/wapiti"
	"github.com/gyre-ctem/gyre/plugins/source/dns"
	"github.com/gyre-ctem/gyre/plugins/source/host"
	"github.com/gyre-ctem/gyre/plugins/source/network"
)

// Sources returns a new instance of every source.
func Sources() []plugin.Source {
	return []plugin.Source{host.New(), network.New(), dns.New()}
}

// Importers returns a new instance of every importer.
func Importers() []plugin.Importer {
	return []plugin.Importer{
		aqua.Importer{},
		awsconfig.Importer{},
		bandit.Importer{},
		cyclonedx.Importer{},
		gitlab.Importer{},
		grype.Importer{},
		kubernetes.Importer{},
		ldif.Importer{},
		nessus.Importer{},
		nmap.Importer{},
		npmaudit.Importer{},
		nsp.Importer{},
		observatory.Importer{},
		sarif.Importer{},
		snyk.Importer{},
		terraform.Importer{},
		wapiti.Importer{},
	}
}

// Feeds returns a new instance of every feed.
func Feeds() []plugin.Feed {
	return []plugin.Feed{epss.New(), kev.New(), osv.New()}
}
