// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package gyre

// Band is a range of risk with a name; the console's colour scale follows it.
type Band string

// The bands.
const (
	BandCritical Band = "critical" // 80 and above
	BandHigh     Band = "high"     // 60
	BandMedium   Band = "medium"   // 35
	BandLow      Band = "low"      // 10
	BandMinimal  Band = "minimal"
)

// Bands lists the bands from worst to least.
var Bands = []Band{BandCritical, BandHigh, BandMedium, BandLow, BandMinimal}

// BandOf returns the band of a risk from 0 to 100.
func BandOf(risk float64) Band {
	switch {
	case risk >= 80:
		return BandCritical
	case risk >= 60:
		return BandHigh
	case risk >= 35:
		return BandMedium
	case risk >= 10:
		return BandLow
	}
	return BandMinimal
}

// Score is the risk of one exposure, 0 to 100, as likelihood (0 to 1) times
// impact (0 to 1) times 100, and why. The contributions of Factors, in order,
// add up to Risk.
type Score struct {
	Risk       float64  `json:"risk"`
	Band       Band     `json:"band"`
	Likelihood float64  `json:"likelihood"`
	Impact     float64  `json:"impact"`
	Factors    []Factor `json:"factors"`
}

// Factor is one reason of a score.
type Factor struct {
	Key          string  `json:"key" doc:"base_rate, epss, kev, exploit, zone, severity, criticality …"`
	Label        string  `json:"label" doc:"In words: 'Listed in KEV since 2024-03-01'"`
	Value        string  `json:"value" doc:"The fact itself: '0.94', 'internet'"`
	Source       string  `json:"source" doc:"Where the fact comes from: feed and date, scope, check"`
	Part         string  `json:"part" doc:"likelihood or impact"`
	Contribution float64 `json:"contribution" doc:"Points of risk that it added; may be negative"`
}
