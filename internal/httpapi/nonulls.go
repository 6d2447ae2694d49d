// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"reflect"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
)

// noNulls makes every list of an answer a list: Go writes a nil slice as null,
// and the document promises an array. It works on a shallow copy of what it changes.
func noNulls(_ huma.Context, _ string, v any) (any, error) {
	if v == nil || !needsFilling(reflect.TypeOf(v)) {
		return v, nil
	}
	filled := reflect.New(reflect.TypeOf(v)).Elem()
	filled.Set(reflect.ValueOf(v))
	fill(filled)
	return filled.Interface(), nil
}

func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for _, i := range fillable(v.Type()) {
			f := v.Field(i.index)
			if f.Kind() == reflect.Slice && f.IsNil() {
				if !i.omitted {
					f.Set(reflect.MakeSlice(f.Type(), 0, 0))
				}
				continue
			}
			fill(f)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			fill(v.Elem())
		}
	case reflect.Slice:
		if !needsFilling(v.Type().Elem()) {
			return
		}
		for i := range v.Len() {
			fill(v.Index(i))
		}
	}
}

type fillField struct {
	index   int
	omitted bool // when empty
}

var fillables sync.Map // of reflect.Type to []fillField

// fillable lists the fields of a struct that are or hold lists.
func fillable(t reflect.Type) []fillField {
	if cached, found := fillables.Load(t); found {
		return cached.([]fillField)
	}
	var out []fillField
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("json")
		if !f.IsExported() || tag == "-" {
			continue
		}
		if f.Type.Kind() == reflect.Slice || needsFilling(f.Type) {
			out = append(out, fillField{i, strings.Contains(tag, "omitempty") || strings.Contains(tag, "omitzero")})
		}
	}
	fillables.Store(t, out)
	return out
}

func needsFilling(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer:
		return needsFilling(t.Elem())
	case reflect.Slice:
		return true
	case reflect.Struct:
		return len(fillable(t)) > 0
	}
	return false
}
