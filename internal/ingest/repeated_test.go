// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"reflect"
	"testing"
	"time"

	"github.com/gyre-ctem/gyre"
)

// What a report says of a weakness is summed up whole: a field that is left out
// would be lost when a later batch says it otherwise.
func TestSaidOfCountsEveryField(t *testing.T) {
	base := saidOf(&gyre.Weakness{})
	typ := reflect.TypeFor[gyre.Weakness]()
	for i := range typ.NumField() {
		var w gyre.Weakness
		switch f := reflect.ValueOf(&w).Elem().Field(i); v := f.Addr().Interface().(type) {
		case *time.Time:
			*v = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		case *[]string:
			*v = []string{"x"}
		case *float64:
			*v = 1.5
		default:
			if f.Kind() == reflect.String {
				f.SetString("x")
			} else {
				f.SetInt(1)
			}
		}
		if saidOf(&w) == base {
			t.Errorf("%s does not count", typ.Field(i).Name)
		}
	}
	if a, b := (gyre.Weakness{Aliases: []string{"ab"}, CWEs: []string{"c"}}), (gyre.Weakness{Aliases: []string{"a"}, CWEs: []string{"bc"}}); saidOf(&a) == saidOf(&b) {
		t.Error("texts run into each other")
	}
}
