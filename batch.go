// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package gyre

import (
	"slices"
	"strings"
	"time"
)

// Aspect is a kind of fact about an asset, and so the unit in which a run says
// what it covered. Checks are written against one aspect.
type Aspect string

// The aspects that ship. Plug-ins may add more.
const (
	AspectHost     Aspect = "host"     // that the asset is there; locus ""
	AspectService  Aspect = "service"  // what answers at a port; locus tcp/PORT
	AspectTLS      Aspect = "tls"      // locus tcp/PORT
	AspectHTTP     Aspect = "http"     // locus tcp/PORT, tcp/PORT/path or tcp/PORT#COOKIE
	AspectDNS      Aspect = "dns"      // locus dns/TYPE or dns
	AspectFile     Aspect = "file"     // a configuration file; locus its path
	AspectPackage  Aspect = "package"  // components against advisories; locus FILE#PACKAGE
	AspectCode     Aspect = "code"     // source code; locus PATH:LINE
	AspectSecret   Aspect = "secret"   // locus PATH:LINE
	AspectSocket   Aspect = "socket"   // a listening socket and its process; locus tcp/PORT
	AspectIdentity Aspect = "identity" // a principal out of a directory export; locus user/NAME
	AspectCloud    Aspect = "cloud"    // a cloud resource out of an account export; locus its id
	AspectIaC      Aspect = "iac"      // a resource in Terraform or a Kubernetes manifest; locus FILE#RESOURCE
)

// Ref names an asset within one run. It is chosen by the source and means
// nothing outside the run. RefID makes one for an asset that is stored already.
type Ref string

// RefID is the Ref of a stored asset, valid in any run.
func RefID(id ID) Ref { return Ref("id:" + id.String()) }

// Batch is the only way a fact about the estate comes in. A source emits any
// number of them in one run; each should hold at most a few thousand entries.
// A Ref must be introduced by an Assets entry in the same or an earlier batch of the
// run, unless it came from RefID.
type Batch struct {
	Assets     []AssetSighting
	Relations  []RelationSighting
	Components []ComponentSighting
	Facts      []Fact
	Findings   []Finding
	Coverage   []Coverage
}

// AssetSighting is an asset as one source sees it. Empty fields say nothing
// and overwrite nothing.
type AssetSighting struct {
	Ref         Ref
	Kind        AssetKind
	Name        string
	Zone        Zone
	Criticality Criticality
	Owner       string
	Tags        []string
	Attributes  map[string]string
	Identifiers []Identifier
	// KnownOnly: the source looked where this asset would be and has no sign of
	// it beyond that. When no stored asset has one of the identifiers, ingest
	// drops the sighting with everything about its Ref; when one has, what the
	// run says of the Ref counts (its coverage), but the asset was not seen.
	KnownOnly bool
}

// RelationSighting is an edge between two refs.
type RelationSighting struct {
	From, To Ref
	Type     RelationType
}

// ComponentSighting is a component on a ref. See Component for the fields.
type ComponentSighting struct {
	Asset                                            Ref
	PURL, Ecosystem, Name, Version, Source, Location string
}

// Fact is something seen at a place, not yet judged. Checks judge it. Data
// holds only what JSON can: nil, bool, float64 or int64, string, []any, map[string]any;
// at most 64 KiB as JSON.
type Fact struct {
	Asset        Ref
	Aspect       Aspect
	Locus        string
	Credentialed bool
	Data         map[string]any
}

// Finding is a weakness at a place as one source reports it.
type Finding struct {
	Asset        Ref
	Weakness     Weakness // Key is required; ID is ignored
	Aspect       Aspect
	Locus        string
	Severity     Severity // of this finding; the weakness has its own
	Credentialed bool
	Evidence     Evidence
	Remedy       Remedy
	// Fingerprint of the code or line that the finding is about, the same as long
	// as that is, wherever it moves within its file. Two findings of one weakness in
	// one file must differ in it (plugin.Fingerprints sees to that). Empty: there is
	// none, so the line is part of what makes the place one. At most 512 bytes.
	Fingerprint string
}

// Coverage says what a run demonstrably looked at on one asset. Not seeing an
// exposure counts only when a finished run covered its asset, aspect, locus and
// weakness, with credentials if it was seen with credentials.
//
// Loci holds exact loci, or prefixes that end in "*"; nil is the whole aspect.
// Except are exact loci of those that this entry does not speak for.
// Weaknesses likewise lists weakness keys; nil is every weakness of the aspect.
// Imported reports list the rules that the tool ran.
//
// Judged says who decides what is wrong. Not judged: the source collected facts
// and components; those covered and not seen again expire when the run ends, and
// the identify stage judges what is left. Judged: the run itself reported the
// findings, so exposures covered and not seen again close when it ends. A run
// speaks only for exposures that its own source has seen before, or whose
// weakness it lists, and only if they were last seen before it started.
type Coverage struct {
	Judged       bool
	Asset        Ref
	Aspect       Aspect
	Loci         []string
	Except       []string
	Weaknesses   []string
	Credentialed bool
}

// Covers says whether the entry speaks for a locus.
func (c Coverage) Covers(locus string) bool {
	return listed(c.Loci, locus) && !slices.Contains(c.Except, locus)
}

// Judges says whether the entry speaks for a weakness, by any of its names.
func (c Coverage) Judges(names ...string) bool {
	return c.Judged && slices.ContainsFunc(names, func(n string) bool { return listed(c.Weaknesses, n) })
}

// listed says whether a list of exact values, and prefixes that end in "*",
// holds a value; nil is everything.
func listed(list []string, value string) bool {
	if list == nil {
		return true
	}
	return slices.ContainsFunc(list, func(p string) bool {
		prefix, open := strings.CutSuffix(p, "*")
		return p == value || open && strings.HasPrefix(value, prefix)
	})
}

// RunStatus is how a run stands or ended.
type RunStatus string

// The run statuses. Only RunSucceeded closes exposures.
const (
	RunRunning     RunStatus = "running"
	RunSucceeded   RunStatus = "succeeded"
	RunPartial     RunStatus = "partial" // ended by itself, some items failed: Problems says which
	RunFailed      RunStatus = "failed"
	RunCancelled   RunStatus = "cancelled"
	RunInterrupted RunStatus = "interrupted" // the process died
)

// Run is one execution of a source.
type Run struct {
	ID        ID        `json:"id"`
	Workspace ID        `json:"-"`
	Cycle     ID        `json:"cycle,omitempty"`
	Scope     ID        `json:"scope,omitempty"`
	Source    string    `json:"source"`
	Via       string    `json:"via,omitempty" doc:"Source of the run that this one judges: who really looked"`
	Tool      string    `json:"tool,omitempty" doc:"Of a source that several tools write: which one it was"`
	Target    string    `json:"target,omitempty" doc:"What it was pointed at, for people"`
	Status    RunStatus `json:"status"`
	Started   time.Time `json:"started"`
	Ended     time.Time `json:"ended,omitzero"`
	// Until is when the last of what it saw is dated, by the same clock as
	// Started; zero while it runs, and of runs that never ended.
	Until    time.Time `json:"-"`
	Counts   RunCounts `json:"counts"`
	Problems []Problem `json:"problems,omitempty"`
	Limits   []string  `json:"limits,omitempty" doc:"What it could not look at and why, in words"`
}

// Observer is the source that looked: the run's own, or that of the run it judges.
func (r Run) Observer() string {
	if r.Via != "" {
		return r.Via
	}
	return r.Source
}

// RunCounts says what a run brought and changed.
type RunCounts struct {
	Assets     int `json:"assets"`
	NewAssets  int `json:"new_assets"`
	Components int `json:"components"`
	Facts      int `json:"facts"`
	Findings   int `json:"findings"`
	Created    int `json:"created" doc:"Exposures new to the estate"`
	Reopened   int `json:"reopened"`
	Closed     int `json:"closed"`
}

// Problem is an item that failed without failing the run.
type Problem struct {
	Place  string `json:"place" doc:"File, host, line"`
	Reason string `json:"reason"`
}
