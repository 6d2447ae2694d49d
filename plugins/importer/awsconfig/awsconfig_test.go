// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package awsconfig

import (
	"strings"
	"testing"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
	"github.com/gyre-ctem/gyre/plugin/plugintest"
)

func TestContract(t *testing.T) { plugintest.TestImporter(t, Importer{}, "testdata") }

func FuzzImport(f *testing.F) { plugintest.Fuzz(f, Importer{}, "testdata") }

func facts(t *testing.T, kind, rest string) map[string]any {
	t.Helper()
	text := `{"fileVersion":"1.0","configurationItems":[{"awsAccountId":"1","resourceType":"` + kind + `","resourceId":"x",` + rest + `}]}`
	c, _, err := plugintest.Import(t.Context(), Importer{}, plugin.Input{Name: "s.json", Reader: strings.NewReader(text)})
	if err != nil {
		t.Fatal(err)
	}
	c.Check(t)
	if len(c.Facts) != 1 {
		t.Fatalf("%d facts", len(c.Facts))
	}
	return c.Facts[0].Data
}

// What a snapshot does not show must be absent, not false.
func TestUnknownIsAbsent(t *testing.T) {
	for kind := range readers {
		for key := range facts(t, kind, `"configuration":{},"supplementaryConfiguration":{}`) {
			switch key {
			case "provider", "account", "region", "type", "id", "name":
			default:
				t.Errorf("%s: %s is said of an empty configuration", kind, key)
			}
		}
	}
}

func TestConditionsLimitAPolicy(t *testing.T) {
	const statement = `{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"*\",\"Resource\":\"*\"CONDITION}]}`
	for condition, want := range map[string]bool{"": true, `,\"Condition\":{\"IpAddress\":{}}`: false} {
		text := strings.Replace(statement, "CONDITION", condition, 1)
		if got := facts(t, "AWS::IAM::Policy", `"configuration":{"policyVersionList":[{"isDefaultVersion":true,"document":"`+text+`"}]}`)["admin_policy"]; got != want {
			t.Errorf("%q: admin_policy %v", condition, got)
		}
		if got := facts(t, "AWS::S3::Bucket", `"supplementaryConfiguration":{"AccessControlList":"{}","BucketPolicy":{"policyText":"`+text+`"}}`)["public"]; got != want {
			t.Errorf("%q: public %v", condition, got)
		}
	}
}

func TestHostile(t *testing.T) {
	for _, text := range []string{``, `[]`, `{}`, `{"configurationItems":[`, `{"configurationItems":` + strings.Repeat(`[`, 300), `{"configurationItems":[]} x`} {
		_, _, err := plugintest.Import(t.Context(), Importer{}, plugin.Input{Name: "s", Reader: strings.NewReader(text)})
		if code := gyre.ErrorCode(err); code != gyre.Invalid && code != gyre.TooLarge {
			t.Errorf("%.40q: %v", text, err)
		}
	}
	c, report, err := plugintest.Import(t.Context(), Importer{}, plugin.Input{Name: "s", Reader: strings.NewReader(`{"configurationItems":[7,{"resourceType":"AWS::S3::Bucket"},{"awsAccountId":7}]}`)})
	if err != nil || len(report.Problems) != 3 || len(c.Facts) != 0 {
		t.Errorf("%v, %+v", err, report.Problems)
	}
}

// TestLooked: the name that Config gives to a snapshot dates it, or else what it captured last.
func TestLooked(t *testing.T) {
	const text = `{"configurationItems":[{"configurationItemCaptureTime":"2026-02-03T04:05:06.7Z"},{"configurationItemCaptureTime":"2026-01-01T00:00:00Z"},{"configurationItemCaptureTime":"soon"}]}`
	for name, want := range map[string]string{
		"210987654321_Config_eu-west-1_ConfigSnapshot_20260301T010203Z_5f1c2d3e.json": "2026-03-01T01:02:03Z",
		"210987654321_Config_eu-west-1_ConfigSnapshot_20269901T010203Z_5f1c2d3e.json": "2026-02-03T04:05:06.7Z",
		"snapshot.json": "2026-02-03T04:05:06.7Z",
	} {
		_, report, err := plugintest.Import(t.Context(), Importer{}, plugin.Input{Name: name, Reader: strings.NewReader(text)})
		if got := report.Looked.Format(time.RFC3339Nano); err != nil || got != want {
			t.Errorf("%s is dated %s, want %s (%v)", name, got, want, err)
		}
	}
}
