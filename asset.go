// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package gyre

import "time"

// AssetKind says what an asset is.
type AssetKind string

// The asset kinds.
const (
	Host          AssetKind = "host"
	Device        AssetKind = "device"
	Service       AssetKind = "service"
	WebApp        AssetKind = "webapp"
	API           AssetKind = "api"
	Domain        AssetKind = "domain"
	Certificate   AssetKind = "certificate"
	CloudAccount  AssetKind = "cloud_account"
	CloudResource AssetKind = "cloud_resource"
	Image         AssetKind = "image"
	Workload      AssetKind = "workload"
	Repository    AssetKind = "repository"
	Identity      AssetKind = "identity"
	DataStore     AssetKind = "data_store"
	SaaS          AssetKind = "saas"
	Vendor        AssetKind = "vendor"
)

// Zone is where an asset sits as an attacker sees it. It is a free word in a
// scope; these four carry meaning for scoring. "" is unknown and scores as internal.
type Zone string

// The zones that scoring knows.
const (
	ZoneInternet   Zone = "internet"
	ZoneDMZ        Zone = "dmz"
	ZoneInternal   Zone = "internal"
	ZoneManagement Zone = "management"
)

// Criticality is how much the business depends on an asset: 1 (low) to 4
// (crown jewel); 0 is not said and scores as 2.
type Criticality int

// The criticalities.
const (
	CriticalityUnset  Criticality = 0
	CriticalityLow    Criticality = 1
	CriticalityMedium Criticality = 2
	CriticalityHigh   Criticality = 3
	CriticalityCrown  Criticality = 4
)

// IdentifierType is a kind of key. Order of strength: see Strength.
type IdentifierType string

// The identifier types.
const (
	IDCloud     IdentifierType = "cloud_id"   // ARN, Azure resource id …
	IDMachine   IdentifierType = "machine_id" // /etc/machine-id, SMBIOS UUID
	IDSerial    IdentifierType = "serial"
	IDDirectory IdentifierType = "directory_id" // object GUID or SID
	IDDigest    IdentifierType = "digest"       // container image digest
	IDURI       IdentifierType = "uri"          // repository URL, SBOM serial number, vendor name: chosen by people, unique by intent
	IDMAC       IdentifierType = "mac"
	IDFQDN      IdentifierType = "fqdn"
	IDHostname  IdentifierType = "hostname" // binds within a zone only
	IDIP        IdentifierType = "ip"       // binds within a zone only
)

// Strength orders identifier types: a larger number wins, and a conflict
// between two stronger identifiers vetoes a merge by a weaker one.
func (t IdentifierType) Strength() int {
	switch t {
	case IDCloud:
		return 100
	case IDMachine:
		return 90
	case IDDirectory, IDDigest:
		return 85
	case IDSerial:
		return 80
	case IDURI:
		return 70
	case IDMAC:
		return 60
	case IDFQDN:
		return 40
	case IDHostname:
		return 20
	case IDIP:
		return 10
	}
	return 0
}

// Zoned says whether the identifier means something only within a network zone.
func (t IdentifierType) Zoned() bool { return t == IDIP || t == IDHostname }

// Identifier is a typed key of an asset. Value is in normal form: lower case,
// no trailing dot, IPs as netip prints them. Zone is empty unless Type.Zoned.
type Identifier struct {
	Type  IdentifierType `json:"type"`
	Value string         `json:"value"`
	Zone  Zone           `json:"zone,omitempty"`
}

// Asset is anything an attacker could use.
type Asset struct {
	ID          ID                `json:"id"`
	Workspace   ID                `json:"-"`
	Kind        AssetKind         `json:"kind"`
	Name        string            `json:"name"`
	Zone        Zone              `json:"zone,omitempty"`
	Criticality Criticality       `json:"criticality"`
	Owner       string            `json:"owner,omitempty"`
	Tags        []string          `json:"tags,omitempty"`
	Attributes  map[string]string `json:"attributes,omitempty" doc:"What sources said of it: os, os_version, distro, kernel, vendor …"`
	Identifiers []Identifier      `json:"identifiers,omitempty"`
	Pinned      []string          `json:"pinned,omitempty" doc:"Fields that a person has set and sightings no longer change: criticality, owner, tags"`
	FirstSeen   time.Time         `json:"first_seen"`
	LastSeen    time.Time         `json:"last_seen"`
}

// RelationType is the type of a directed edge between assets.
type RelationType string

// The relation types.
const (
	RunsOn     RelationType = "runs_on"
	Exposes    RelationType = "exposes"
	ResolvesTo RelationType = "resolves_to"
	MemberOf   RelationType = "member_of"
	AdminTo    RelationType = "admin_to"
	CanAssume  RelationType = "can_assume"
	CanReach   RelationType = "can_reach"
	Trusts     RelationType = "trusts"
	DependsOn  RelationType = "depends_on"
	Stores     RelationType = "stores"
	Contains   RelationType = "contains" // account → resource, vendor → product
)

// Relation is a typed directed edge between two stored assets.
type Relation struct {
	From     ID           `json:"from"`
	To       ID           `json:"to"`
	Type     RelationType `json:"type"`
	LastSeen time.Time    `json:"last_seen"`
}

// Component is software on an asset. Ecosystem is an OSV ecosystem name
// ("Debian:12", "npm", "PyPI"); Location is the file that says so, relative to
// the root that was inventoried ("/var/lib/dpkg/status").
type Component struct {
	ID        ID        `json:"id"`
	Asset     ID        `json:"asset"`
	PURL      string    `json:"purl"`
	Ecosystem string    `json:"ecosystem"`
	Name      string    `json:"name"`
	Version   string    `json:"version"`
	Source    string    `json:"source,omitempty" doc:"Source package that advisories of OS distributions speak of, when it is not Name"`
	Location  string    `json:"location"`
	FirstSeen time.Time `json:"first_seen"`
	LastSeen  time.Time `json:"last_seen"`
}
