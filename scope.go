// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package gyre

import "time"

// Workspace is a tenant. Every row belongs to one; every query is bound to one.
type Workspace struct {
	ID      ID        `json:"id"`
	Name    string    `json:"name"`
	Created time.Time `json:"created"`
}

// Intensity is how hard a scope's targets may be probed.
type Intensity string

// The intensities, rising.
const (
	IntensityPassive Intensity = "passive" // nothing is sent to targets
	IntensityGentle  Intensity = "gentle"  // 20 connections a second
	IntensityNormal  Intensity = "normal"  // 200 connections a second, checks that only read
)

// Scope is a part of the estate that matters to a business process, and the
// authority to look at it: what may be touched, when, how hard, what never.
// Its YAML form (gyre scope apply -f) has the same field names as its JSON form.
type Scope struct {
	ID           ID          `json:"id" yaml:"-"`
	Workspace    ID          `json:"-" yaml:"-"`
	Name         string      `json:"name" yaml:"name" maxLength:"80"`
	Description  string      `json:"description,omitempty" yaml:"description,omitempty"`
	Owner        string      `json:"owner,omitempty" yaml:"owner,omitempty"`
	Worth        int64       `json:"worth,omitempty" yaml:"worth,omitempty" doc:"Money at stake, in whole units of the workspace's currency"`
	Criticality  Criticality `json:"criticality,omitempty" yaml:"criticality,omitempty" doc:"Of its assets, unless they say their own: 1 low to 4 crown jewel"`
	RiskAppetite float64     `json:"risk_appetite,omitempty" yaml:"risk_appetite,omitempty" doc:"Risk of a single exposure that is tolerated, 0 to 100"`
	Selector     string      `json:"selector,omitempty" yaml:"selector,omitempty" doc:"CEL over assets: which assets belong to it; empty: those found by its own runs"`
	Targets      []Target    `json:"targets" yaml:"targets"`
	Exclusions   []string    `json:"exclusions,omitempty" yaml:"exclusions,omitempty" doc:"Addresses, CIDRs, domain names or folders that are never touched"`
	Inventory    []string    `json:"inventory,omitempty" yaml:"inventory,omitempty" doc:"Addresses or names the organisation knows of; others found here are shadow IT. Empty: not checked"`
	Intensity    Intensity   `json:"intensity,omitempty" yaml:"intensity,omitempty"`
	Hours        []Window    `json:"hours,omitempty" yaml:"hours,omitempty" doc:"When probes may be sent; empty: always"`
	Runbook      string      `json:"runbook,omitempty" yaml:"runbook,omitempty" doc:"How changes are made here: a command or link shown with each action; {asset}, {address}, {weakness} and {locus} are filled in"`
	Created      time.Time   `json:"created" yaml:"-"`
	Updated      time.Time   `json:"updated" yaml:"-"`
}

// Target is one thing that a scope lets Gyre look at. Exactly one of CIDR,
// Domain, Root and File is set.
type Target struct {
	CIDR       string `json:"cidr,omitempty" yaml:"cidr,omitempty" doc:"Address or CIDR to discover hosts and ports in"`
	Domain     string `json:"domain,omitempty" yaml:"domain,omitempty" doc:"DNS zone to examine"`
	Root       string `json:"root,omitempty" yaml:"root,omitempty" doc:"Root folder of a host to inventory; / is this machine"`
	File       string `json:"file,omitempty" yaml:"file,omitempty" doc:"Report, SBOM or export to import at each cycle, or a folder of configuration"`
	Zone       Zone   `json:"zone,omitempty" yaml:"zone,omitempty"`
	Ports      string `json:"ports,omitempty" yaml:"ports,omitempty" doc:"For cidr: 22,80,8000-8100; empty: a list of common ports"`
	Nameserver string `json:"nameserver,omitempty" yaml:"nameserver,omitempty" doc:"For domain: host:port to ask; must itself be in the scope; empty: the system's"`
	Asset      string `json:"asset,omitempty" yaml:"asset,omitempty" doc:"For root and file: name of the asset it belongs to"`
	Address    string `json:"address,omitempty" yaml:"address,omitempty" doc:"For root: IP address of the asset in the zone, which ties it to what the network shows"`
	Format     string `json:"format,omitempty" yaml:"format,omitempty" doc:"For file: importer or collector name; empty: detected"`
}

// Window is a daily time span in which probes may be sent, in UTC. From after
// To spans midnight.
type Window struct {
	Days []string `json:"days,omitempty" yaml:"days,omitempty" doc:"mon … sun; empty: every day"`
	From string   `json:"from" yaml:"from" doc:"HH:MM"`
	To   string   `json:"to" yaml:"to" doc:"HH:MM"`
}
