// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bytes"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	gyre "github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/lab/files"
	"github.com/gyre-ctem/gyre/lab/truth"
)

// Scopes are the authority to look at the estate, one scope for each zone. They
// hold the ports that are really in use.
func (e *Estate) Scopes() []gyre.Scope {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.scopes()
}

func (e *Estate) scopes() []gyre.Scope {
	file := func(path, asset string, zone gyre.Zone) gyre.Target {
		return gyre.Target{File: filepath.Join(e.dir, filepath.FromSlash(path)), Asset: asset, Zone: zone}
	}
	web := e.scope(gyre.ZoneInternet, "Web presence", "What customers see: sites, mail and names", "web team", gyre.CriticalityHigh, 2_000_000)
	for _, domain := range []string{truth.Domain, truth.PartnerDomain} {
		web.Targets = append(web.Targets, gyre.Target{Domain: domain, Nameserver: e.nameserver(), Zone: gyre.ZoneInternet})
		web.Inventory = append(web.Inventory, domain)
	}
	dmz := e.scope(gyre.ZoneDMZ, "Exchange with partners", "File transfer, mail gateway and appliances in the DMZ", "network team", gyre.CriticalityMedium, 500_000)
	orders := e.scope(gyre.ZoneInternal, "Order processing", "Takes, bills and stores every order", "order team", gyre.CriticalityCrown, 12_000_000)
	orders.Targets = append(orders.Targets,
		file(truth.SBOMFile, truth.SBOMAsset, gyre.ZoneInternal),
		file(truth.TerraformDir, truth.TerraformAsset, gyre.ZoneInternal),
		file(truth.KubernetesDir, truth.KubernetesName, gyre.ZoneInternal))
	admin := e.scope(gyre.ZoneManagement, "Administration", "Jump host, backup, directory and cloud account", "operations", gyre.CriticalityHigh, 5_000_000)
	admin.Targets = append(admin.Targets,
		file(truth.DirectoryFile, truth.DirectoryAsset, gyre.ZoneManagement),
		file(truth.CloudFile, truth.CloudAsset, gyre.ZoneManagement))
	return []gyre.Scope{web, dmz, orders, admin}
}

// scope is a scope with a zone's network, its roots and its inventory.
func (e *Estate) scope(zone gyre.Zone, name, description, owner string, worth4 gyre.Criticality, worth int64) gyre.Scope {
	s := gyre.Scope{
		Name: name, Description: description + " (practice estate)", Owner: owner, Worth: worth, Criticality: worth4,
		RiskAppetite: 20, Intensity: gyre.IntensityNormal, Runbook: e.runbook,
	}
	s.Targets = []gyre.Target{{CIDR: e.cidr(zone), Zone: zone, Ports: e.ports(zone)}}
	for _, h := range e.hosts {
		if h.zone != zone {
			continue
		}
		if !h.unlisted {
			if zone == gyre.ZoneInternet { // only there is a name server that knows the names
				s.Inventory = append(s.Inventory, truth.FQDN(h.name))
			}
			if a := e.address(h); !slices.Contains(s.Inventory, a) {
				s.Inventory = append(s.Inventory, a)
			}
		}
		if h.root {
			t := gyre.Target{Root: filepath.Join(e.dir, filepath.FromSlash(files.RootDir(h.name))), Zone: zone, Asset: truth.FQDN(h.name)}
			if !e.mapped { // there the address would make one asset of all of them
				t.Address = e.address(h)
			}
			s.Targets = append(s.Targets, t)
		}
	}
	return s
}

// cidr is the smallest network that holds a zone's hosts, so that a scan at
// ordinary speed takes seconds.
func (e *Estate) cidr(zone gyre.Zone) string {
	if e.mapped {
		return "127.0.0.1/32"
	}
	top, bits := 0, 32
	for _, h := range e.hosts {
		if h.zone == zone {
			top = max(top, h.octet)
		}
	}
	for size := 1; size <= top; size *= 2 {
		bits--
	}
	return fmt.Sprintf("127.0.%d.0/%d", networks[zone], bits)
}

func (e *Estate) ports(zone gyre.Zone) string {
	var ports []int
	for _, l := range e.listeners {
		if l.host.zone == zone {
			ports = append(ports, l.port)
		}
	}
	slices.Sort(ports)
	var words []string
	for _, p := range slices.Compact(ports) {
		words = append(words, strconv.Itoa(p))
	}
	return strings.Join(words, ",")
}

func (e *Estate) nameserver() string {
	for _, l := range e.listeners {
		if l.service.name == "dns" {
			return net.JoinHostPort(l.address, strconv.Itoa(l.port))
		}
	}
	return ""
}

// ScopeYAML is the scopes as YAML documents, as gyre scope apply takes them.
func (e *Estate) ScopeYAML() ([]byte, error) { return scopeYAML(e.Scopes()) }

func scopeYAML(scopes []gyre.Scope) ([]byte, error) {
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	for i := range scopes {
		if err := enc.Encode(&scopes[i]); err != nil {
			return nil, fmt.Errorf("write scope %q: %w", scopes[i].Name, err)
		}
	}
	if err := enc.Close(); err != nil {
		return nil, fmt.Errorf("write scopes: %w", err)
	}
	return out.Bytes(), nil
}

// ScopeFile is where the running estate keeps its scopes.
func (e *Estate) ScopeFile() string { return filepath.Join(e.dir, "scopes.yaml") }

func (e *Estate) writeScopes() error {
	data, err := scopeYAML(e.scopes())
	if err != nil {
		return err
	}
	return writeFile(e.ScopeFile(), data)
}
