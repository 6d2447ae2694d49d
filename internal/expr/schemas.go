// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package expr

import "github.com/gyre-ctem/gyre"

func words[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, w := range list {
		out[i] = string(w)
	}
	return out
}

var (
	severityWords = []string{"INFO", "LOW", "MEDIUM", "HIGH", "CRITICAL"}
	zoneWords     = words([]gyre.Zone{gyre.ZoneInternet, gyre.ZoneDMZ, gyre.ZoneInternal, gyre.ZoneManagement})
	kindWords     = words([]gyre.AssetKind{
		gyre.Host, gyre.Device, gyre.Service, gyre.WebApp, gyre.API, gyre.Domain, gyre.Certificate, gyre.CloudAccount,
		gyre.CloudResource, gyre.Image, gyre.Workload, gyre.Repository, gyre.Identity, gyre.DataStore, gyre.SaaS, gyre.Vendor,
	})
	aspectWords = words([]gyre.Aspect{
		gyre.AspectHost, gyre.AspectService, gyre.AspectTLS, gyre.AspectHTTP, gyre.AspectDNS, gyre.AspectFile, gyre.AspectPackage,
		gyre.AspectSecret, gyre.AspectSocket, gyre.AspectIdentity, gyre.AspectCloud, gyre.AspectIaC,
	})
)

// ExposureSchema is what a filter over exposures can speak of.
var ExposureSchema = NewSchema("exposures",
	Field{Name: "severity", Type: Severity, Doc: "How bad the weakness is by itself", Values: severityWords, Closed: true},
	Field{Name: "state", Type: Text, Doc: "Where the exposure stands in its life", Values: words(gyre.States), Closed: true},
	Field{Name: "class", Type: Text, Doc: "Kind of exposure", Values: words(gyre.Classes), Closed: true},
	Field{Name: "risk", Type: Number, Doc: "Risk now, 0 to 100"},
	Field{Name: "band", Type: Text, Doc: "Range of the risk", Values: words(gyre.Bands), Closed: true},
	Field{Name: "locus", Type: Text, Doc: "Place within the asset: tcp/443, a file, a record", Search: true},
	Field{Name: "aspect", Type: Text, Doc: "Kind of fact that it was seen in", Values: aspectWords},
	Field{Name: "title", Type: Text, Doc: "Title of the weakness", Search: true},
	Field{Name: "weakness", Type: Text, Doc: "Key of the weakness: CVE-2024-6387, tls.certificate-expired", Search: true},
	Field{Name: "aliases", Type: TextList, Doc: "Other ids of the weakness: GHSA, OSV, DSA", Search: true},
	Field{Name: "cwes", Type: TextList, Doc: "CWE ids of the weakness: CWE-295"},
	Field{Name: "cvss", Type: Number, Doc: "CVSS base score, 0 to 10; 0 when there is none"},
	Field{Name: "intel.kev", Type: Bool, Doc: "Listed in CISA's Known Exploited Vulnerabilities"},
	Field{Name: "intel.epss", Type: Number, Doc: "Probability of exploitation in the next 30 days, 0 to 1"},
	Field{Name: "intel.ransomware", Type: Bool, Doc: "Used in ransomware campaigns, as KEV says"},
	Field{Name: "intel.exploit", Type: Text, Doc: "Best public exploit evidence; empty: none known", Values: []string{"", "poc", "attacked"}, Closed: true},
	Field{Name: "asset.name", Type: Text, Doc: "Name of the asset", Search: true},
	Field{Name: "asset.id", Type: Text, Doc: "ID of the asset, as its address in the console has it"},
	Field{Name: "asset.kind", Type: Text, Doc: "Kind of the asset", Values: kindWords, Closed: true},
	Field{Name: "asset.zone", Type: Text, Doc: "Network zone of the asset; a free word", Values: zoneWords},
	Field{Name: "asset.internet_facing", Type: Bool, Doc: "The asset can be reached from the internet"},
	Field{Name: "asset.criticality", Type: Number, Doc: "1 low to 4 crown jewel; 0 not said"},
	Field{Name: "asset.owner", Type: Text, Doc: "Who is responsible for the asset", Search: true},
	Field{Name: "asset.tags", Type: TextList, Doc: "Tags of the asset", Search: true},
	Field{Name: "scope", Type: TextList, Doc: "Names of the scopes that the asset belongs to"},
	Field{Name: "sources", Type: TextList, Doc: "Plug-ins that see the exposure"},
	Field{Name: "action", Type: Text, Doc: "Key of the action that removes it: upgrade/Debian/openssl", Search: true},
	Field{Name: "first_seen", Type: Time, Doc: "When it was seen first"},
	Field{Name: "last_seen", Type: Time, Doc: "When it was seen last"},
	Field{Name: "state_since", Type: Time, Doc: "When its state changed last"},
	Field{Name: "over_appetite", Type: Bool, Doc: "Its risk is above what a scope of its asset tolerates"},
	Field{Name: "fix_available", Type: Bool, Doc: "A fixed version or a configuration change is known"},
)

// AssetSchema is what a filter over assets, and the selector of a scope, can speak of.
var AssetSchema = NewSchema("assets",
	Field{Name: "name", Type: Text, Doc: "Name of the asset", Search: true},
	Field{Name: "kind", Type: Text, Doc: "Kind of the asset", Values: kindWords, Closed: true},
	Field{Name: "zone", Type: Text, Doc: "Network zone; a free word", Values: zoneWords},
	Field{Name: "internet_facing", Type: Bool, Doc: "It can be reached from the internet"},
	Field{Name: "criticality", Type: Number, Doc: "1 low to 4 crown jewel; 0 not said"},
	Field{Name: "owner", Type: Text, Doc: "Who is responsible for it", Search: true},
	Field{Name: "tags", Type: TextList, Doc: "Its tags", Search: true},
	Field{Name: "exposures", Type: Number, Doc: "Active exposures"},
	Field{Name: "risk", Type: Number, Doc: "Sum of the risk of its active exposures, in points"},
	Field{Name: "max_band", Type: Text, Doc: "Band of its worst active exposure; empty: it has none", Values: append([]string{""}, words(gyre.Bands)...), Closed: true},
	Field{Name: "first_seen", Type: Time, Doc: "When it was seen first"},
	Field{Name: "last_seen", Type: Time, Doc: "When it was seen last"},
	Field{Name: "os", Type: Text, Doc: "Operating system, as sources say", Search: true},
)
