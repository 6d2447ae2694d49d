// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gyre-ctem/gyre"
)

func TestEventLines(t *testing.T) {
	for _, c := range []struct {
		e    gyre.Event
		want []eventLine
	}{
		{gyre.Event{Kind: "created", To: "open"}, []eventLine{{"created", "", "open"}}},
		{
			gyre.Event{Kind: "state", From: "open", To: "fixed", Changes: `{"sources":[["a"],[]],"state":["open","fixed"],"state_since":[1,2]}`},
			[]eventLine{{"state", "open", "fixed"}},
		},
		{
			gyre.Event{Kind: "updated", To: "name zone", Changes: `{"name":["a","b \"c\""],"criticality":[0,4],"tags":[null,["x","y"]],"scope:0cnv2tttvba00":[false,true],"attributes":[{},{"os":"linux"}]}`},
			[]eventLine{{"attributes", "", "os=linux"}, {"criticality", "", "crown jewel"}, {"name", "a", `b "c"`}, {"scope 0cnv2tttvba00", "no", "yes"}, {"tags", "", "x, y"}},
		},
		{
			gyre.Event{Kind: "severity", From: "high", To: "critical", Changes: `{"severity":[3,4],"remedy":[{},{"kind":"upgrade","package":"openssl","fixed":"3.0.13"}]}`},
			[]eventLine{{"severity", "high", "critical"}, {"remedy", "", "upgrade openssl 3.0.13"}},
		},
		{gyre.Event{Kind: "updated", Changes: `{"risk_removed":[10,12.5],"exposures":[3,4]}`}, []eventLine{{"exposures", "3", "4"}, {"risk removed", "10", "12.5"}}},
		{gyre.Event{Kind: "updated", To: "name", Changes: "no JSON"}, []eventLine{{"updated", "", "name"}}},
	} {
		if d := cmp.Diff(c.want, eventLines(c.e), cmp.AllowUnexported(eventLine{})); d != "" {
			t.Errorf("%+v (-want +got):\n%s", c.e, d)
		}
	}
}
